// The stage of a play: one Chromium, the pages in it, and a cluster whose
// processes can be killed.
import assert from "node:assert/strict";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";

const told = JSON.parse(process.env.PARLEY_STAGE);
export const gateways = told.gateways;
export const home = told.page;

// How long anything on a page may take on a busy machine.
const patience = 30_000;
const pollEvery = 10;

export const desktop = { viewport: { width: 1280, height: 800 } };
export const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

let browser;
const pages = new Map(); // name → page
const mistakes = []; // what no page may say or do

// play runs a play to its end; the exit code says how that was.
export async function play(acts) {
	browser = await chromium.launch({
		executablePath: told.chromium, // with a fresh user data folder below TMPDIR
		args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
	});
	try {
		await acts();
		assert.deepEqual(mistakes, [], "what the pages did wrong");
	} catch (err) {
		process.exitCode = 1;
		console.log(err);
		for (const [name, page] of pages) await inTime(5_000, name, lastWords(name, page)).catch(console.log);
	} finally {
		await browser.close();
	}
}

// scene runs a part of the play and says how long it took, most ms.
export async function scene(name, act, most = 2 * patience) {
	const began = Date.now();
	try {
		return await inTime(most, name, act());
	} catch (err) {
		console.log(`FAILED: ${name}`);
		throw err;
	} finally {
		console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${name}`);
	}
}

// inTime fails when something, for example a page that hangs, takes too long.
function inTime(most, what, result) {
	let timer;
	const late = new Promise((_, fail) => { timer = setTimeout(fail, most, new Error(`not done in ${most / 1000} s: ${what}`)); });
	return Promise.race([result, late]).finally(() => clearTimeout(timer));
}

// visit opens a page at url as somebody who has never been there, or as another tab of a
// context. Before it is loaded, prepare gets it. What is in forgiven may stand on its
// console as an error; from friends, other origins, it may fetch.
export async function visit(name, { look, url = told.page, context, prepare = () => {}, forgiven = [], friends = [] }) {
	context ??= await browser.newContext({ locale: "en-US", ...look });
	context.setDefaultTimeout(patience);
	const page = await context.newPage();
	pages.set(name, page);
	page.on("pageerror", (err) => mistakes.push(`${name}: ${err}`));
	page.on("dialog", (dialog) => { mistakes.push(`${name}: a ${dialog.type()} opened`); dialog.dismiss(); });
	page.on("console", (m) => {
		if (m.type() === "error" && ![/net::ERR_/, /^WebSocket connection to .* failed/, ...forgiven].some((f) => f.test(m.text()))) mistakes.push(`${name}: ${m.text()}`);
	});
	page.on("requestfinished", (request) => {
		if (![new URL(url).origin, ...friends].includes(new URL(request.url()).origin) && !/^(data|blob):/.test(request.url())) mistakes.push(`${name}: fetched ${request.url()}`);
	});
	await prepare(page);
	await page.goto(url);
	return page;
}

// open opens an example's page, or with a path another one beside it, as somebody who has
// never been there. Given a gateway, the page knows only that one until it looks for them
// again after free.
export const open = (name, look, gateway, path = "") => visit(name, {
	look,
	url: told.page + path,
	prepare: async (page) => {
		await page.addInitScript(watchState);
		if (gateway) await page.route("**/gateways", (route) => route.fulfill({ json: [`ws://${gateway}/`] }));
	},
});

export const free = (page) => page.unroute("**/gateways");

// earOf returns the ear of a page: while its shut is set, nothing that gateways
// send reaches the page. It counts for connections that begin afterwards.
export async function earOf(page) {
	const ear = { shut: false };
	await page.routeWebSocket(/^ws:/, (socket) => {
		socket.connectToServer().onMessage((text) => { if (!ear.shut) socket.send(text); });
	});
	return ear;
}

// watchState runs in the page: it writes down each state the page was in.
function watchState() {
	window.states = [];
	addEventListener("DOMContentLoaded", () => {
		const state = document.querySelector("[data-testid=state]");
		if (!state) return; // a page that has none
		new MutationObserver(() => window.states.push(state.dataset.state)).observe(state, { attributes: true, attributeFilter: ["data-state"] });
	});
}

// states returns the states since it was last asked.
export const states = (page) => page.evaluate(() => window.states.splice(0));

// connectedTo waits until the page is connected and returns the gateway's host:port.
export async function connectedTo(page) {
	const state = page.getByTestId("state");
	await state.and(page.locator("[data-state=online]")).waitFor();
	return /[\d.]+:\d+/.exec(await state.textContent())?.[0];
}

// otherThan returns the gateway that this one is not.
export const otherThan = (gateway) => gateways.find((g) => g !== gateway);

// processAt returns the name of a gateway's process.
export const processAt = (gateway) => `gateway-${gateways.indexOf(gateway) + 1}`;

// ask asks the stage for something and returns what it answers, if that is JSON.
export async function ask(what, { method = "POST", body } = {}) {
	const answer = await fetch(`${told.control}/${what}`, { method, body: body && JSON.stringify(body) });
	const text = await answer.text();
	if (!answer.ok) throw new Error(`${what}: ${text}`);
	return text && JSON.parse(text);
}
export const kill = (process) => ask(`kill/${process}`); // kill -9; it is gone
export const start = (process) => ask(`start/${process}`); // it is ready

// until waits for something that holds sooner or later.
export async function until(what, holds) {
	for (const deadline = Date.now() + patience; ; await pause(pollEvery)) {
		if (await holds()) return;
		if (Date.now() > deadline) throw new Error(`never: ${what}`);
	}
}

// becomes waits until what is read equals want; the error shows the difference.
export async function becomes(what, read, want) {
	let got;
	await until(what, async () => {
		got = await read();
		return isSame(got, want);
	}).catch(() => assert.deepEqual(got, want, what));
}

function isSame(a, b) {
	try {
		assert.deepEqual(a, b);
		return true;
	} catch {
		return false;
	}
}

export const picture = (page, name) => page.screenshot({ path: path.join(told.pictures, `${name}.png`) });

async function lastWords(name, page) {
	console.log(`---- ${name} sees ----\n${await page.locator("body").innerText()}`);
	await picture(page, `failed-${name.replaceAll(/\W/gu, "_")}`);
}
