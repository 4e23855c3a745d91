import { becomes, play, scene } from "../stage.mjs";
import { areOnline, looksGood, markup, name, say, shows, two } from "./two.mjs";

const there = (page) => page.getByTestId("to").locator("option").allTextContents();

await play(async () => {
	let ann, bob;
	await scene("two people are in a room, one with markup for a name", async () => {
		[ann, bob] = await two(["?name=ann", `?name=${encodeURIComponent(name)}`]);
		await areOnline(ann, bob);
		await becomes("whom Ann can write to", () => there(ann), ["everyone", name]);
		await becomes("whom Bob can write to", () => there(bob), ["everyone", "ann"]);
	});
	await scene("they talk, to all and to one, and markup is text", async () => {
		await say(bob, markup);
		for (const page of [ann, bob]) await shows(page, [`${name}: ${markup}`]);
		await ann.getByTestId("to").selectOption(name);
		await say(ann, markup);
		await shows(bob, [`ann: 对你说: ${markup}`]);
		await shows(ann, [`ann: 你对${name}说: ${markup}`]);
		for (const [page, what] of [[ann, "desktop-light"], [bob, "phone-dark"]]) await looksGood(page, what);
	});
	await scene("who goes is gone from the list", async () => {
		await bob.close();
		await becomes("Ann is alone", () => there(ann), ["everyone"]);
		await shows(ann, [`${name} left`]);
	});
});
