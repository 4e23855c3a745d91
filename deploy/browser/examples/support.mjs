import assert from "node:assert/strict";
import { barriers } from "../looks.mjs";
import { becomes, connectedTo, desktop, gateways, home, open, phone, picture, play, scene, until, visit } from "../stage.mjs";
import { lines, looksGood, markup, name, say, shows } from "./two.mjs";

// A page of somebody else, by its origin: what is served at that address has no policy of
// its own. Its rules are not for the widget.
const elsewhere = home.replace("127.0.0.1", "localhost") + "gateways";
const theirs = `<!doctype html><title>theirs</title><style>div, button { color: red !important; font-size: 60px; display: none }</style><h1>theirs</h1><script src="${home}widget.js"></script>`;

const status = (page) => page.getByTestId("status").textContent();
const asks = async (page, text) => {
	if (!await page.getByTestId("panel").isVisible()) await page.getByTestId("door").click();
	await say(page, text, "ask");
};
const serves = async (who, look, gateway) => {
	const page = await open(who, look, gateway, "desk.html");
	await connectedTo(page);
	await say(page, who, "name");
	await page.getByTestId("talks").waitFor();
	return page;
};
// alive wants nothing in the widget to have become markup.
const alive = async (page) => {
	assert.equal(await page.evaluate(() => window.hacked), undefined, "a text was run");
	assert.deepEqual(await page.getByTestId("panel").evaluate((panel) => [...panel.querySelectorAll("img, b, script, svg")].map((el) => el.outerHTML)), []);
};

await play(async () => {
	let eve, cid, bob, dan;
	await scene("nobody is at the desk: a question is kept", async () => {
		eve = await open("eve", { ...phone, colorScheme: "dark" }, gateways[0]);
		await eve.getByTestId("door").tap();
		await until("she knows", async () => (await status(eve)).startsWith("Nobody is at the desk"));
		await eve.getByTestId("visitor-name").fill(name.slice(0, 30));
		await asks(eve, markup);
		await shows(eve, [markup], "widget-log");
		await barriers(eve, "the widget, phone, dark");
		await picture(eve, "widget-phone-dark");
	});

	await scene("the widget is one tag in a page of anybody", async () => {
		cid = await visit("cid", { look: desktop, url: elsewhere, friends: [new URL(home).origin], forgiven: [/404/] }); // it has no icon
		await cid.setContent(theirs);
		await asks(cid, "and me?");
		await until("she is the second", async () => (await status(cid)) === "You are number 2 in the queue." || (await status(cid)).startsWith("Nobody is at the desk"));
		await picture(cid, "widget-elsewhere");
	});

	await scene("an agent takes, answers, hands over; the other closes", async () => {
		bob = await serves("bob", { ...desktop, colorScheme: "light" }, gateways[0]);
		dan = await serves("dan", { ...phone, colorScheme: "dark" }, gateways[1]);
		await until("the queue is told", async () => (await status(cid)) === "You are number 2 in the queue.");
		await bob.getByTestId("talks").getByRole("button").first().click();
		await bob.getByTestId("take").click();
		await say(bob, markup);
		await shows(eve, [markup, `bob${markup}`], "widget-log");
		await until("the queue moves", async () => (await status(cid)) === "You are number 1 in the queue.");
		await bob.getByTestId("to").selectOption("dan");
		await bob.getByTestId("transfer").click();
		await becomes("she knows who is with her", () => status(eve), "dan is with you.");
		await until("Dan has it", async () => (await dan.getByTestId("talks").textContent()).includes("with you"));
		await dan.getByTestId("talks").getByRole("button").first().tap();
		await shows(dan, [`${name.slice(0, 30)}${markup}`, `bob${markup}`]);
		for (const [page, what] of [[bob, "desk-desktop-light"], [dan, "desk-phone-dark"]]) await looksGood(page, what);
		await dan.getByTestId("close").tap();
		await becomes("she knows", () => status(eve), "dan has closed this talk. Write, and it is open again.");
		await alive(eve);
	});

	await scene("a reload keeps the talk, and what is answered while one is away is there later", async () => {
		await eve.reload();
		await shows(eve, [markup, `bob${markup}`], "widget-log");
		const context = cid.context();
		await cid.close();
		await bob.getByTestId("talks").getByRole("button", { name: "and me?" }).click();
		await bob.getByTestId("take").click();
		await say(bob, "you too");
		await shows(bob, ["bobyou too"]);
		assert.ok((await lines(bob)).length === 2);
		const again = await context.newPage();
		await again.goto(elsewhere);
		await again.setContent(theirs);
		await shows(again, ["and me?", "bobyou too"], "widget-log");
	});
});
