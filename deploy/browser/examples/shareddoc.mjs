import assert from "node:assert/strict";
import { becomes, connectedTo, kill, open, phone, play, scene, start, until } from "../stage.mjs";
import { areOnline, looksGood, markup, name, two } from "./two.mjs";

const text = (page) => page.getByTestId("text").inputValue();
const saved = (page) => until("all is saved", async () => (await page.getByTestId("saved").textContent()).startsWith("all is saved"));
const caret = (page, at) => page.getByTestId("text").evaluate((field, n) => { field.focus(); field.setSelectionRange(n, n); }, at);
const before = (page) => page.getByTestId("text").evaluate((field) => field.value.slice(0, field.selectionStart));

await play(async () => {
	let ann, bob;
	await scene("what one writes the other reads, and markup is text", async () => {
		[ann, bob] = await two(["?name=ann#notes", `?name=${encodeURIComponent(name).slice(0, 60)}#notes`]);
		await areOnline(ann, bob);
		await ann.getByTestId("text").click();
		await ann.keyboard.type(`Dear 🍵 ${markup}\n`);
		for (const page of [ann, bob]) await becomes("the text", () => text(page), `Dear 🍵 ${markup}\n`);
		await until("he sees her name", async () => (await bob.getByTestId("person").allTextContents()).includes("ann"));
	});

	await scene("both write at once, and neither's cursor jumps", async () => {
		const top = "above ".repeat(8), end = "below ".repeat(8);
		await caret(ann, 0);
		await bob.getByTestId("text").click();
		await caret(bob, (await text(bob)).length);
		await Promise.all([ann.keyboard.type(top, { delay: 5 }), bob.keyboard.type(end, { delay: 5 })]);
		for (const page of [ann, bob]) await saved(page);
		for (const page of [ann, bob]) await becomes("the text", () => text(page), `${top}Dear 🍵 ${markup}\n${end}`);
		assert.equal(await before(ann), top);
		assert.equal(await before(bob), await text(bob));
	});

	await scene("the workers are killed while they write in the same place", async () => {
		for (const page of [ann, bob]) await caret(page, 0);
		await Promise.all([
			ann.keyboard.type("a".repeat(60), { delay: 20 }), bob.keyboard.type("b".repeat(60), { delay: 20 }),
			(async () => {
				for (const worker of ["worker-2", "worker-1"]) {
					await kill(worker);
					await start(worker);
				}
			})(),
		]);
		for (const page of [ann, bob]) await saved(page);
		await becomes("both have the same", () => text(ann), await text(bob));
		const both = await text(ann);
		for (const letter of "ab") assert.ok(both.split(letter).length > 60, `${letter} was written 60 times: ${both}`);
	});

	await scene("who comes later, or again, has the text", async () => {
		const cid = await open("cid", phone, undefined, "?name=cid#notes");
		await connectedTo(cid);
		await becomes("the text", () => text(cid), await text(ann));
		const had = await text(bob);
		await bob.reload();
		await becomes("the text", () => text(bob), had);
		for (const [page, what] of [[ann, "desktop-light"], [bob, "phone-dark"]]) await looksGood(page, what);
	});
});
