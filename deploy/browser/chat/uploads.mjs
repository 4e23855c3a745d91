// Pictures, and files that are none.
import { crc32, deflateSync } from "node:zlib";

// png makes one of a size, grey all over. A large one is small as a file: a bomb.
export function png(width, height) {
	const header = Buffer.alloc(13);
	header.writeUInt32BE(width, 0);
	header.writeUInt32BE(height, 4);
	header.set([1, 0, 0, 0, 0], 8); // one bit a pixel
	const rows = Buffer.alloc((Math.ceil(width / 8) + 1) * height);
	return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", header), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type, data) {
	const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
	const out = Buffer.alloc(body.length + 8);
	out.writeUInt32BE(data.length, 0);
	body.copy(out, 4);
	out.writeUInt32BE(crc32(body), body.length + 4);
	return out;
}

// gif makes one of so many frames of one pixel.
export function gif(frames) {
	const head = Buffer.from("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff", "latin1");
	const frame = Buffer.from("!\xf9\x04\x00\x01\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00", "latin1");
	return Buffer.concat([head, Buffer.alloc(frame.length * frames, frame), Buffer.from(";")]);
}

// jpeg is a whole one of 8 × 8 pixels up to its end, which is missing when it is cut.
const jpegHead = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/";
export const cutJpeg = () => Buffer.from(jpegHead, "base64");

const text = (s) => Buffer.from(s);
const file = (name, mimeType, buffer) => ({ name, mimeType, buffer });

// harmless are pictures whose names are not.
export const harmless = () => [
	file("../../etc/passwd.png", "image/png", png(8, 8)),
	file("<img src=x onerror=hacked=1>.png", "image/png", png(9, 9)),
	file("\u202Egnp.exe.png", "image/png", png(10, 10)),
];

// refused are files that must not become a message: what they are, what one is told, and
// whether the page says it at once or the line says it once the server has looked inside.
export const refused = () => [
	["a wrong type", /Only PNG, JPEG/, "page", file("notes.pdf", "application/pdf", text("%PDF-1.7\n%%EOF"))],
	["HTML that is called a picture", /no picture|Only PNG, JPEG/, "line", file("page.png", "image/png", text("<!doctype html><script>hacked=1</script>"))],
	["SVG with a script", /Only PNG, JPEG/, "page", file("drawing.svg", "image/svg+xml", text("<svg xmlns='http://www.w3.org/2000/svg'><script>hacked=1</script></svg>"))],
	["SVG that is called a PNG", /no picture|Only PNG, JPEG/, "line", file("drawing.png", "image/png", text("<svg xmlns='http://www.w3.org/2000/svg' onload='hacked=1'/>"))],
	["11 MB", /10 MiB/, "page", file("large.png", "image/png", Buffer.concat([png(8, 8), Buffer.alloc(11 << 20)]))],
	["a bomb: 20,000 × 20,000 pixels", /too large/, "page", file("bomb.png", "image/png", png(20_000, 20_000))],
	["100,000 frames", /too large/, "line", file("film.gif", "image/gif", gif(100_000))],
	["a JPEG that breaks off", /damaged|Only PNG, JPEG/, "line", file("cut.jpg", "image/jpeg", cutJpeg())],
	["nothing", /no picture|damaged|empty|Only PNG/, "line", file("empty.png", "image/png", Buffer.alloc(0))],
];
