import { becomes, play, scene, until } from "../stage.mjs";
import { areOnline, looksGood, say, two } from "./two.mjs";

const short = { name: "<b>Eve</b>", text: "<img src=x onerror=hacked=1>" }; // the pond takes 20 and 45 letters
const near = (page) => page.getByTestId("near").textContent();

await play(async () => {
	let ann, bob;
	await scene("two tadpoles see each other, and markup is text", async () => {
		[ann, bob] = await two();
		await areOnline(ann, bob);
		for (const page of [ann, bob]) await until("both are in the pond", async () => (await near(page)).startsWith("2 in the pond"));
		await bob.getByTestId("name").fill(short.name);
		await say(bob, short.text);
		await until("Ann hears it", async () => (await near(ann)).includes(`: ${short.text}`));
		await until("and who it was", async () => (await near(ann)).includes(`${short.name}: ${short.text}`));
	});
	await scene("one swims, the other sees it", async () => {
		const seen = () => ann.evaluate(() => { // all but Ann's own
			const [other] = [...all].filter(([key]) => key !== id).map(([, t]) => t);
			return [Math.sign(other.x), Math.sign(other.y)];
		});
		const pond = await bob.getByTestId("pond").boundingBox();
		await bob.mouse.move(pond.x + 5, pond.y + 5);
		await becomes("he is in the upper left", seen, [-1, -1]);
		await bob.mouse.move(pond.x + pond.width - 5, pond.y + pond.height - 5);
		await becomes("he is in the lower right", seen, [1, 1]);
		for (const [page, what] of [[ann, "desktop-light"], [bob, "phone-dark"]]) await looksGood(page, what);
		await bob.close();
		await until("he is gone", async () => (await near(ann)).startsWith("1 in the pond"));
	});
});
