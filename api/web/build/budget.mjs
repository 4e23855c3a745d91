// budget fails a build whose first load has more JavaScript than a phone in a
// lift should wait for. It counts what index.html names, gzipped, because that
// is what comes before the first screen.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const most = 60 * 1024;
const dist = new URL("../dist/", import.meta.url);
const page = readFileSync(new URL("index.html", dist), "utf8");

const size = (name) => gzipSync(readFileSync(new URL(name.replace(/^\//, ""), dist)), { level: 9 }).length;
const sum = (pattern) => [...new Set([...page.matchAll(pattern)].map((m) => m[1]))].reduce((n, name) => n + size(name), 0);

const scripts = sum(/(?:src|href)="([^"]+\.js)"/g);
const styles = sum(/href="([^"]+\.css)"/g);
const kib = (n) => `${(n / 1024).toFixed(1)} KiB`;

if (scripts === 0) throw new Error("dist/index.html names no script");
if (/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i.test(page))
  throw new Error("dist/index.html has something inline: its Content-Security-Policy forbids that");
console.log(`first load, gzipped: ${kib(scripts)} of JavaScript (${kib(most)} allowed), ${kib(styles)} of styles`);
if (scripts > most) process.exit(1);
