import assert from "node:assert/strict";
import { becomes, play, scene, until } from "../stage.mjs";
import { areOnline, lines, looksGood, markup, say, shows, two } from "./two.mjs";

const enter = async (page, name) => {
	await page.getByTestId("name").fill(name);
	await page.getByTestId("enter").click();
	await areOnline(page); // on push
};
const opens = async (page, chat) => {
	await page.getByTestId(`chat:${chat}`).click();
	await page.locator("[data-testid=chat-state][data-state=online]").waitFor();
};

await play(async () => {
	let ann, bob;
	await scene("a name that is markup is refused", async () => {
		[ann, bob] = await two();
		await ann.getByTestId("name").fill("<b>Ann</b>");
		await ann.getByTestId("enter").click();
		assert.equal(await ann.getByTestId("chats").isVisible(), false);
		await enter(ann, "ann");
		await enter(bob, "鲍勃");
	});
	await scene("who is in another chat is reminded, and markup is text", async () => {
		await opens(ann, "tea");
		await opens(bob, "coffee");
		await say(ann, markup);
		await shows(ann, [`ann${markup}`]);
		await shows(bob, [`ann in tea${markup}`], "reminders");
		await becomes("the title tells it", () => bob.title(), "(1) twopaths · Parley");
		assert.deepEqual(await lines(bob), []);
		assert.deepEqual(await lines(ann, "reminders"), []);
		for (const [page, what] of [[ann, "desktop-light"], [bob, "phone-dark"]]) await looksGood(page, what);
	});
	await scene("a reminder is the way into the chat, and who is there is not reminded", async () => {
		await bob.getByTestId("reminders").getByTestId("line").click();
		await until("he is in the chat", async () => (await bob.getByTestId("chat-state").getAttribute("data-state")) === "online");
		await say(bob, "here I am");
		await shows(ann, [`ann${markup}`, "鲍勃here I am"]);
		await say(ann, "at last");
		await shows(bob, ["鲍勃here I am", "annat last"]);
		assert.equal((await lines(bob, "reminders")).length, 1);
		assert.equal(await bob.title(), "twopaths · Parley");
	});
});
