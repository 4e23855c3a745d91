// What every page must look like, whatever it shows.
import assert from "node:assert/strict";
import axe from "axe-core";

// good finds barriers for people, and what sticks out of the screen.
export async function good(page, what) {
	await barriers(page, what);
	await fits(page, what);
}

// barriers wants none for people, by axe.
export async function barriers(page, what) {
	await still(page);
	const found = await page.evaluate(`${axe.source}
		axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } })
			.then((r) => r.violations.map((v) => v.id + ": " + v.help + " at " + v.nodes.map((n) => n.target + " (" + n.any.map((a) => a.message) + ")").join("; ")))`);
	assert.deepEqual(found, [], `axe: ${what}`);
}

// fits wants nothing to scroll sideways but what is made to, and all that can be
// pressed on the screen.
export async function fits(page, what) {
	const sticksOut = await page.evaluate(() => {
		const width = document.documentElement.clientWidth, height = innerHeight;
		const open = document.querySelector("dialog[open]") ?? document.querySelector(":popover-open");
		const scrolls = (el) => el && el !== document.body && (/auto|scroll/.test(getComputedStyle(el).overflowX + getComputedStyle(el).overflowY) || scrolls(el.parentElement));
		const out = [...(open ?? document).querySelectorAll("button, input, textarea, h1, h2, [data-testid=state]")].filter((el) => {
			const box = el.getBoundingClientRect();
			return box.width > 1 && getComputedStyle(el).visibility === "visible" && !scrolls(el.parentElement) && (box.left < 0 || box.top < 0 || box.right > width + 0.5 || box.bottom > height + 0.5);
		}).map((el) => el.outerHTML);
		const covered = [...(open ?? document).querySelectorAll("button, input, textarea, h1, h2, h3")].filter((el) => {
			const box = el.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
			if (box.width <= 1 || getComputedStyle(el).visibility !== "visible" || x < 0 || y < 0 || x > width || y > height || scrolls(el.parentElement)) return false;
			const top = document.elementFromPoint(x, y);
			return top && !el.contains(top) && !top.contains(el);
		}).map((el) => `covered: ${el.outerHTML}`);
		out.push(...covered);
		if (document.documentElement.scrollWidth > width) out.push(`the page is ${document.documentElement.scrollWidth} px wide, the screen ${width}`);
		const log = document.querySelector("[data-testid=log], [role=log][tabindex]");
		if (log && log.scrollWidth > log.clientWidth) out.push(`the log is ${log.scrollWidth} px wide, its place ${log.clientWidth}`);
		return out;
	});
	assert.deepEqual(sticksOut, [], `on the screen: ${what}`);
}

// still waits until nothing moves any more.
const still = (page) => page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished)));

// isDark and isLight look at what a person sees: text against its background.
export const isDark = async (page) => assert.ok(await brightness(page) < 0.2, "a dark page was wanted");
export const isLight = async (page) => assert.ok(await brightness(page) > 0.8, "a light page was wanted");

const brightness = (page) => page.evaluate(() => {
	const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\d+/g);
	return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
});

// speaks wants all words of the page, hidden and spoken ones too, in its language:
// en or zh. names are those that are the same in both; what people wrote is in elements
// for that, and what is another language on purpose says so.
export async function speaks(page, language, names) {
	const { lang, words } = await page.evaluate(() => ({
		lang: document.documentElement.lang,
		words: [...document.querySelectorAll("body *:not(script, noscript, bdi, .bubble-text, .avatar, .unseen[role=log], [lang])")].flatMap((el) => [
			...[...el.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data),
			...["aria-label", "placeholder", "title"].map((name) => el.getAttribute(name) ?? ""),
		]).join("\n"),
	}));
	assert.equal(lang, { en: "en", zh: "zh-CN" }[language]);
	const rest = names.reduce((text, name) => text.replaceAll(name, ""), words);
	const foreign = { en: /\p{Script=Han}+/gu, zh: /[A-Za-z]{2,}[A-Za-z ]*/g }[language];
	assert.deepEqual(rest.match(foreign) ?? [], [], `words that are not ${language}`);
}

// clean wants nobody's text to have become markup or to have run.
export async function clean(page) {
	assert.equal(await page.evaluate(() => window.hacked), undefined, "a text was run");
	const markup = "img, svg, b, i, a, script:not(body > script), iframe, style:not(head > style), [onerror], [onload], [onfocus]";
	assert.deepEqual(await page.evaluate((m) => [...document.body.querySelectorAll(m)].map((el) => el.outerHTML), markup), [], "a text became markup");
}
