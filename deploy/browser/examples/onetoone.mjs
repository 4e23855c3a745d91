import { becomes, play, scene } from "../stage.mjs";
import { areOnline, looksGood, markup, name, say, shows, two } from "./two.mjs";

const begin = async (page, from, to) => {
	await page.getByTestId("from").fill(from);
	await page.getByTestId("to").fill(to);
	await page.getByTestId("init").click();
};

await play(async () => {
	let ann, bob;
	await scene("what is said to somebody who is away waits for him", async () => {
		[ann, bob] = await two();
		await areOnline(ann, bob);
		await begin(ann, "ann", name);
		await say(ann, markup);
		await say(ann, "are you there?");
		await shows(ann, [`ann: ${markup}`, "ann: are you there?"]);
		await becomes("both are kept", () => ann.locator(".note").count(), 0);
		await begin(bob, name, "ann");
		await shows(bob, [`ann: ${markup}`, "ann: are you there?"]);
		await becomes("nothing is unread", () => bob.getByTestId("unread").textContent(), "Nothing unread");
	});
	await scene("and to one who is here it comes at once", async () => {
		await say(bob, markup);
		await shows(ann, [`${name}: ${markup}`]);
		for (const [page, what] of [[ann, "desktop-light"], [bob, "phone-dark"]]) await looksGood(page, what);
	});
});
