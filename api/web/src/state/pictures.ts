/** mostBytes is how large a picture may be, unless the operator said otherwise. */
export const mostBytes = 10 * 1024 * 1024;

const types = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** isPicture says that a file is one that can be sent, by what it says of itself; the server looks inside. */
export const isPicture = (file: File): boolean => types.has(file.type);

const sizes = new Map<string, { width: number; height: number }>();

/** measure finds out how large a picture is before it is sent, so that nothing jumps when it was. */
export async function measure(file: File): Promise<void> {
  const bitmap = await createImageBitmap(file);
  sizes.set(file.name, { width: bitmap.width, height: bitmap.height });
  bitmap.close();
}

/** sizeOf is how large a picture of that name is; zero: not known. */
export const sizeOf = (name: string): { width: number; height: number } => sizes.get(name) ?? { width: 0, height: 0 };
