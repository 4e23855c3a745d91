// The play with a clock and scales: how much the page loads, and how soon somebody with a
// thousand conversations sees them.
import assert from "node:assert/strict";
import { ask, desktop, play, scene } from "../stage.mjs";
import { Member } from "./member.mjs";

const mostScript = 60 * 1024; // bytes, gzipped, as they are transferred
const mostWait = 1000; // ms
const looks = 5;

await play(async () => {
	await scene("the first load is light", async () => {
		const sizes = [];
		let known;
		const newcomer = await Member.arrive("newcomer", { look: desktop });
		newcomer.page.on("response", (r) => {
			if (r.request().resourceType() === "script") sizes.push(r.finished().then(() => r.request().sizes()).then(async (s) => ({ url: r.url(), encoding: (await r.allHeaders())["content-encoding"], bytes: s.responseBodySize })));
		});
		await newcomer.page.context().newCDPSession(newcomer.page).then((cdp) => cdp.send("Network.clearBrowserCache"));
		await newcomer.page.reload({ waitUntil: "networkidle" });
		known = await Promise.all(sizes);
		const sum = known.reduce((n, { bytes }) => n + bytes, 0);
		console.log(`        ${(sum / 1024).toFixed(1)} KiB of JavaScript in ${known.length} files`);
		assert.ok(known.length > 0, "no script was loaded");
		for (const { url, encoding } of known) assert.ok(encoding, `${url} is not compressed`);
		assert.ok(sum <= mostScript, `${sum} bytes of JavaScript`);
	});

	await scene("a thousand conversations are there within a second", async () => {
		await ask("person", { body: { name: "popular", display: "Popular" } });
		await ask("crowd?of=popular&size=1000");
		const m = await Member.arrive("popular", { display: "Popular", look: desktop });
		await m.signIn();
		const find = m.role("searchbox", m.w.find);
		await find.fill("Crowd 999");
		await m.entry("Crowd 999").waitFor();
		await find.fill("");
		await m.page.addInitScript(stopwatch);
		const times = [];
		for (let n = 0; n < looks; n++) {
			await m.page.reload();
			await m.page.waitForFunction(() => window.listed && window.painted);
			times.push(await m.page.evaluate(() => ({ painted: window.painted, listed: window.listed })));
		}
		const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
		const painted = median(times.map((t) => t.painted)), listed = median(times.map((t) => t.listed));
		console.log(`        first paint after ${painted.toFixed()} ms, list after ${listed.toFixed()} ms, medians of ${looks}`);
		assert.ok(painted < mostWait && listed < mostWait, JSON.stringify(times));
	}, 120_000);
});

// stopwatch runs in the page: it notes when something is painted, and when the list is
// there and has been drawn.
function stopwatch() {
	new PerformanceObserver((list) => {
		for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") window.painted = entry.startTime;
	}).observe({ type: "paint", buffered: true });
	const look = () => {
		if (document.querySelector("nav a[href^='#/c/'] time")) requestAnimationFrame(() => { window.listed = performance.now(); });
		else requestAnimationFrame(look);
	};
	requestAnimationFrame(look);
}
