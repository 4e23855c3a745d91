// The play of somebody who has a keyboard and nothing else: everything there is, once.
import assert from "node:assert/strict";
import { ask, becomes, desktop, phone, picture, play, scene } from "../stage.mjs";
import { assertSeen, keys, tabTo } from "./hands.mjs";
import { Member } from "./member.mjs";
import { same } from "./screen.mjs";
import { png } from "./uploads.mjs";

await play(async () => {
	let kim, pal;
	await scene("signs up", async () => {
		await ask("person", { body: { name: "pal", display: "Pal" } });
		pal = await Member.arrive("pal", { display: "Pal", look: phone });
		await pal.signIn();
		kim = await Member.arrive("kim", { display: "Kim", look: desktop, hands: keys });
		await tabTo(kim.role("tab", kim.w.signIn));
		await kim.page.keyboard.press("ArrowRight");
		await assertSeen(kim.role("tab", kim.w.signUp));
		await kim.fill(kim.field(kim.w.name), "kim");
		await kim.fill(kim.field(kim.w.shownAs), "Kim");
		await kim.fill(kim.field(kim.w.password), "correct horse");
		await kim.page.keyboard.press("Enter");
		await kim.online();
		await kim.at(kim.w.lobby);
	});

	await scene("begins to talk, with one and with several", async () => {
		await kim.begin("pal", "Pal");
		await kim.say("only keys here");
		await pal.toList();
		await pal.turnTo("Kim");
		await pal.hears("only keys here");
		await pal.say("I tap");
		await kim.hears("I tap");
		await kim.gather("keys and taps", ["pal"]);
		await kim.say("all of us");
		await kim.turnTo("Pal");
		await same(kim, pal);
	});

	await scene("changes what was said last, and takes something back", async () => {
		await kim.say("a typpo");
		await tabTo(kim.writing());
		await kim.page.keyboard.press("ArrowUp");
		const editing = kim.role("textbox", kim.w.editing);
		await becomes("it is in the field", () => editing.inputValue(), "a typpo");
		await kim.page.keyboard.press("ControlOrMeta+a");
		await kim.page.keyboard.insertText("no typo");
		await kim.page.keyboard.press("Enter");
		await pal.hears("no typo");
		await kim.say("too much");
		await pal.hears("too much");
		await tabTo(kim.log());
		await kim.page.keyboard.press("ArrowUp"); // the last message on the screen
		await assertSeen(kim.message("too much"));
		await kim.choose("too much", kim.w.recall);
		await becomes("it is gone", () => pal.log().getByText("too much").count(), 0);
		await same(kim, pal);
	});

	await scene("sends a picture, and looks at it", async () => {
		await kim.show({ name: "keys.png", mimeType: "image/png", buffer: png(320, 200) });
		await pal.log().getByRole("button", { name: /keys\.png/ }).waitFor();
		await tabTo(kim.log());
		await kim.page.keyboard.press("ArrowUp");
		await tabToPicture();
		await kim.page.keyboard.press("Enter");
		const dialog = kim.page.getByRole("dialog");
		await dialog.locator("img").waitFor();
		await kim.page.keyboard.press("Escape");
		await dialog.waitFor({ state: "detached" });
	});

	await scene("goes through the list, to people and out", async () => {
		await tabTo(kim.role("searchbox", kim.w.find));
		await kim.page.keyboard.press("ArrowDown");
		const focused = () => kim.page.evaluate(() => document.activeElement.closest("nav a")?.querySelector("bdi").textContent);
		await becomes("the first one has the focus", focused, "Pal");
		await kim.page.keyboard.press("End");
		await becomes("the last one has the focus", focused, "Lobby");
		await kim.page.keyboard.press("Enter");
		await kim.at(kim.w.lobby);
		await kim.turnTo("keys and taps");
		await kim.press(kim.role("region", kim.w.people).getByRole("button", { name: /^Pal/ }).first());
		await kim.at("Pal");
		await picture(kim.page, "keyboard-desktop-light-en");
		await kim.press(kim.role("button", /^Kim/).first());
		const has = (item) => kim.role("menuitem", item).evaluate((el) => el === document.activeElement);
		await becomes("the menu has the focus", () => has(kim.w.other), true);
		await kim.page.keyboard.press("ArrowDown");
		await becomes("arrows go through it", () => has(kim.w.signOut), true);
		await kim.page.keyboard.press("Enter");
		await kim.role("tab", kim.w.signIn).waitFor();
	});

	// tabToPicture goes from the message that has the focus to the picture in it.
	async function tabToPicture() {
		await kim.page.keyboard.press("Enter");
		const menu = kim.page.getByRole("menu");
		await menu.waitFor();
		const view = menu.getByRole("menuitem", { name: /view the picture/i });
		assert.equal(await view.count(), 1, "a picture can be looked at without a mouse");
		while (!(await view.evaluate((el) => el === document.activeElement))) await kim.page.keyboard.press("ArrowDown");
	}
});
