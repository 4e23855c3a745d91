/** Pixels is how large a picture says it is. */
export interface Pixels {
  width: number;
  height: number;
}

/** headBytes is how much of a file pixelsOf looks at: cameras put a small picture and a color profile before the size. */
export const headBytes = 512 * 1024;

/**
 * pixelsOf reads how large a picture is from the beginning of its file, which costs nothing:
 * a file of some kilobytes can unpack to gigabytes. null: it does not say.
 */
export function pixelsOf(head: ArrayBuffer): Pixels | null {
  const v = new DataView(head);
  try {
    if (v.getUint32(0) === 0x89504e47) return { width: v.getUint32(16), height: v.getUint32(20) };
    if (v.getUint32(0) === 0x47494638) return { width: v.getUint16(6, true), height: v.getUint16(8, true) };
    if (v.getUint32(0) === 0x52494646 && v.getUint32(8) === 0x57454250) return ofWebP(v);
    if (v.getUint16(0) === 0xffd8) return ofJPEG(v);
  } catch (e) {
    if (!(e instanceof RangeError)) throw e; // it breaks off
  }
  return null;
}

const uint24 = (v: DataView, at: number): number => v.getUint16(at, true) + (v.getUint8(at + 2) << 16);

function ofWebP(v: DataView): Pixels | null {
  switch (v.getUint32(12)) {
    case 0x56503858: // VP8X
      return { width: uint24(v, 24) + 1, height: uint24(v, 27) + 1 };
    case 0x5650384c: {
      // VP8L
      const bits = v.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 0x56503820: // VP8
      return { width: v.getUint16(26, true) & 0x3fff, height: v.getUint16(28, true) & 0x3fff };
    default:
      return null;
  }
}

// The size is in the first frame header: a marker C0 to CF, but for three that are tables.
function ofJPEG(v: DataView): Pixels | null {
  for (let at = 2; ; ) {
    if (v.getUint8(at) !== 0xff) return null;
    const marker = v.getUint8(at + 1);
    if (marker === 0xff)
      at++; // filling
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return { width: v.getUint16(at + 7), height: v.getUint16(at + 5) };
    else at += 2 + v.getUint16(at + 2);
  }
}
