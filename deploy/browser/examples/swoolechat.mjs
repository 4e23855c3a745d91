import { becomes, connectedTo, play, scene } from "../stage.mjs";
import { areOnline, lines, looksGood, markup, name, say, shows, two } from "./two.mjs";

// Who has no good name is user and a number.
const numbered = async (page) => (await lines(page)).map((line) => line.replace(/^user\d+:/, "userN:"));

await play(async () => {
	let ann, bob;
	const said = [`ann: ${markup}`, "userN: 你好"];
	await scene("two people talk, and markup is text", async () => {
		[ann, bob] = await two(["?name=ann", `?name=${encodeURIComponent(name)}`]);
		await areOnline(ann, bob);
		await say(ann, markup);
		await shows(bob, [`ann: ${markup}`]);
		await say(bob, "你好");
		for (const page of [ann, bob]) await becomes("both lines", () => numbered(page), said);
	});
	await scene("a reload has what was said", async () => {
		await ann.reload();
		await connectedTo(ann);
		await becomes("the history", async () => {
			const got = await numbered(ann);
			if (got.length < 2) await ann.reload(); // it is saved a moment after it was heard
			return got.sort();
		}, said);
		for (const [page, what] of [[ann, "desktop-light"], [bob, "phone-dark"]]) await looksGood(page, what);
	});
});
