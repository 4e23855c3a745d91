// The play of people who lose the network, sleep, reload and have wrong clocks. All of it
// goes on at the same time, for it is waiting mostly.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { ask, becomes, desktop, phone, play, scene, until } from "../stage.mjs";
import { Member } from "./member.mjs";
import { same } from "./screen.mjs";

const outage = 30_000;
const backWithin = 6_000; // of the network's return, everything is on the screen
const asleep = 140_000; // longer than an access token lasts
const off = 600_000; // what a wrong clock is wrong by

const people = ["ada", "tab", "hang", "lap", "early", "late", "load"];

await play(async () => {
	const at = {};
	const networks = Object.fromEntries(await Promise.all(["hang", "lap", "load"].map(async (n) => [n, await ask(`network/${n}`)])));
	let second; // the other tab of tab
	let nodding;

	const comes = async (name) => {
		await ask("person", { body: { name, display: name.toUpperCase() } });
		at[name] = await Member.arrive(name, {
			display: name.toUpperCase(), look: name === "tab" ? phone : desktop, network: networks[name],
			clock: { early: -off, late: off }[name], forgiven: [/status of 401/],
		});
		await at[name].signIn();
	};

	await scene("a laptop is closed", async () => {
		await comes("lap");
		await at.lap.at("Lobby");
		nodding = await sleeps(at.lap);
	});

	await scene("people come in, two of them with wrong clocks", async () => {
		await Promise.all(people.filter((name) => name !== "lap").map(comes));
		second = await Member.arrive("tab", { display: "TAB", look: phone, context: at.tab.page.context() });
		await second.online();
		await at.ada.gather("away", people.slice(1));
		await at.ada.say("who is here?");
		for (const m of others().filter((m) => m !== at.lap)) {
			await m.toList();
			await m.turnTo("away");
			await m.hears("who is here?");
		}
	});

	await scene("half a minute without a network, for one told and for one not", async () => {
		const began = Date.now();
		await at.tab.page.context().setOffline(true);
		await ask("cut/hang");
		await until("the page says that there is no network", async () => /No network/.test(await at.tab.page.getByTestId("state").textContent()));
		for (let n = 1; n <= 3; n++) {
			await at.tab.say(`told ${n}`);
			await at.hang.say(`not told ${n}`);
		}
		for (let n = 1; n <= 10; n++) await at.ada.say(`meanwhile ${n}`);
		assert.equal(await at.tab.log().getByRole("article").filter({ hasText: "told" }).filter({ hasText: "Sending…" }).count(), 3);
		await pause(outage - (Date.now() - began));
		await at.tab.page.context().setOffline(false);
		await back([at.tab, second]);
		await ask("mend/hang");
		await back([at.hang]);
		for (const m of [at.ada, at.tab, second, at.hang, at.early, at.late]) await whole(m, ["told", "not told"]);
	}, outage + 60_000);

	await scene("what one tab says and reads, the other shows", async () => {
		await second.say("from the second tab");
		await at.tab.hears("from the second tab");
		await at.tab.say("from the first tab");
		await second.hears("from the first tab");
		await same(at.tab, second);
	});

	await scene("a reload in the middle keeps what is unsent", async () => {
		const { page } = at.load;
		await page.route(/\/v1\/(?!gateways)/, (route) => route.abort());
		await ask("cut/load?but=page");
		for (let n = 1; n <= 3; n++) await at.load.say(`kept ${n}`);
		await page.reload();
		await becomes("they are still there", () => at.load.log().getByRole("article").filter({ hasText: "Sending…" }).filter({ hasText: "kept" }).count(), 3);
		await page.unrouteAll();
		await at.load.knows();
		await ask("mend/load");
		await at.load.online();
		for (const m of [at.ada, at.load]) await whole(m, ["kept"]);
	});

	await scene("tokens end; nobody with a wrong clock notices, nor asks again and again", async () => {
		const asked = new Map([at.early, at.late, at.ada].map((m) => [m, refreshes(m)]));
		await pause(25_000); // two of the stage's tokens are asked for in that time
		for (const [m, list] of asked) assert.ok(list.length <= 6, `${m.name} asked for ${list.length} tokens in 25 s: ${list}`);
		for (const m of [at.early, at.late]) {
			await m.say(`${m.name} is not confused`);
			await at.ada.hears(`${m.name} is not confused`);
			assert.equal(m.sockets.filter((s) => !s.open).length, 0, `${m.name} lost a socket`);
		}
		await same(at.ada, at.early, at.late);
	});

	await scene("a laptop that slept longer than its token wakes up", async () => {
		for (let n = 1; n <= 5; n++) await at.ada.say(`good night ${n}`);
		await pause(Math.max(0, asleep - (Date.now() - nodding.began)));
		const woke = Date.now();
		const word = oneWord("good morning");
		await nodding.wake();
		await at.lap.entry("away").filter({ hasText: "good night 5" }).or(at.lap.entry("away").filter({ hasText: "good morning" })).waitFor();
		const took = Date.now() - woke;
		console.log(`        all there ${took} ms after it woke; a word takes ${await word} ms`);
		if (took > backWithin / 2) console.log(await at.lap.page.evaluate(() => window.story));
		assert.ok(took < backWithin + await word, `${took} ms`);
		await at.lap.turnTo("away");
		await at.lap.say("slept well");
		await at.ada.hears("slept well");
		await same(at.ada, at.lap);
	}, asleep + 60_000);

	await scene("everything is on every screen, once", () => same(at.ada, at.tab, second, at.hang, at.lap, at.early, at.late, at.load));

	function others() { return [...people.slice(1).map((name) => at[name]), second]; }

	// back waits until screens have what was said meanwhile, in time: besides what this
	// machine, which may be busy, needs at the moment for one word between people who were
	// never away.
	async function back(members) {
		const began = Date.now();
		const word = oneWord(`a word to ${members[0].name}`);
		for (const m of members) {
			await m.hears("meanwhile 10");
			await m.online();
		}
		const took = Date.now() - began;
		console.log(`        ${members.map((m) => m.name)}: all there ${took} ms after the network; a word takes ${await word} ms`);
		assert.ok(took < backWithin + await word, `${members[0].name} needed ${took} ms`);
	}

	// oneWord is how long a word takes between two who were never away.
	async function oneWord(text) {
		const began = Date.now();
		await at.ada.say(text);
		await at.late.hears(text);
		return Date.now() - began;
	}

	// whole waits until a screen is what the database has, with three of each in it, once.
	async function whole(m, what) {
		await same(m);
		for (const begin of what) {
			const { length } = (await ask(`stored/${await m.conversation()}?as=${m.name}`, { method: "GET" })).filter(({ text }) => new RegExp(`^${begin} \\d$`).test(text));
			assert.equal(length, 3, `${begin}: ${length} of 3`);
		}
	}
});

// sleeps closes a laptop: its page stands still, in the middle of whatever it does, and
// so does its network.
async function sleeps(m) {
	await m.page.evaluate(() => {
		window.beats = 0;
		setInterval(() => { window.beats++; }, 250);
		window.story = []; // of its connection
		const state = document.querySelector("[data-testid=state]");
		new MutationObserver(() => window.story.push(`${Date.now()} ${state.dataset.state} ${state.textContent}`)).observe(state, { attributes: true, childList: true });
	});
	const cdp = await m.page.context().newCDPSession(m.page);
	const stood = new Promise((done) => { cdp.once("Debugger.paused", done); });
	await cdp.send("Debugger.enable");
	await cdp.send("Debugger.pause"); // at the next beat
	await stood;
	await ask("cut/lap");
	return {
		began: Date.now(),
		async wake() {
			await Promise.all([ask("mend/lap"), cdp.send("Debugger.resume")]);
			await cdp.send("Debugger.disable");
			const beats = await m.page.evaluate(() => window.beats);
			assert.ok(beats < 60, `it did not sleep: its heart beat ${beats} times`);
		},
	};
}

// refreshes lists the calls for another token that a page makes from now on, by
// whichever door.
function refreshes(m) {
	const list = [];
	m.page.on("request", (r) => { if (r.url().endsWith("/v1/refresh")) list.push("http"); });
	return list;
}
