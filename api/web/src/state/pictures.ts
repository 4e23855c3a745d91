import { headBytes, pixelsOf } from "./pixels.ts";

/** mostBytes is how large a picture may be, unless the operator said otherwise. */
export const mostBytes = 10 * 1024 * 1024;

/** mostPixels and mostSide are how many pixels a picture and its sides may have, unless the operator said otherwise. */
export const mostPixels = 40e6;
const mostSide = 16384;

const types = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** isPicture says that a file is one that can be sent, by what it says of itself; the server looks inside. */
export const isPicture = (file: File): boolean => types.has(file.type);

/** isModest says that a file does not unpack to more than a page should hold, as far as it tells. */
export async function isModest(file: File): Promise<boolean> {
  const pixels = pixelsOf(await file.slice(0, headBytes).arrayBuffer());
  return pixels === null || (pixels.width * pixels.height <= mostPixels && Math.max(pixels.width, pixels.height) <= mostSide);
}

const sizes = new Map<string, { width: number; height: number }>();

/** measure finds out how large a picture is before it is sent, so that nothing jumps when it was. */
export async function measure(file: File): Promise<void> {
  const bitmap = await createImageBitmap(file);
  sizes.set(file.name, { width: bitmap.width, height: bitmap.height });
  bitmap.close();
}

/** sizeOf is how large a picture of that name is; zero: not known. */
export const sizeOf = (name: string): { width: number; height: number } => sizes.get(name) ?? { width: 0, height: 0 };
