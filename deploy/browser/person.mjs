// A person at swooleim's page, who uses the keyboard alone or, on a phone,
// fingers.
import assert from "node:assert/strict";
import { becomes, connectedTo, open, phone, until } from "./stage.mjs";

// On a page that is connected no line may wait for longer than it takes.
const waiting = 10;

export class Person {
	constructor(name, page, touch) {
		Object.assign(this, { name, page, touch });
		this.said = []; // {chat, as, text}: where, under which name, what
	}

	// arrive opens the page; the person is not signed in yet.
	static async arrive(name, look, gateway) {
		return new Person(name, await open(name, look, gateway), look.hasTouch === phone.hasTouch);
	}

	get = (id) => this.page.getByTestId(id);

	// signIn fills in the dialog that is open and waits for the connection.
	async signIn(name = this.name) {
		this.name = name;
		await this.fill("name", name);
		await this.press("enter");
		await this.closed("hello");
		return connectedTo(this.page);
	}

	// closed waits until a dialog is gone and has given the focus back, which comes
	// later: a key that is pressed in between meets a focus that is about to move.
	async closed(dialog) {
		await this.get(dialog).waitFor({ state: "hidden" });
		await this.mayType();
	}

	// press presses a button.
	async press(id) {
		if (this.touch) return this.get(id).tap();
		await this.tabTo(id);
		await this.page.keyboard.press("Enter");
	}

	// tabTo goes to something with Tab, as it must be possible from anywhere, and
	// wants to see where it is.
	async tabTo(id) {
		for (let n = 0; n < 80; n++) {
			const at = await this.page.evaluate(() => {
				const el = document.activeElement, style = getComputedStyle(el);
				return { id: el.dataset.testid, seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
			});
			if (at.id === id) return assert.ok(at.seen, `${id} has the focus and does not show it`);
			await this.page.keyboard.press("Tab");
		}
		assert.fail(`no way to ${id} with Tab`);
	}

	// fill replaces what is in a field by typing.
	async fill(id, text) {
		await (this.touch ? this.get(id).tap() : this.tabTo(id));
		await this.page.keyboard.press("ControlOrMeta+a");
		await this.page.keyboard.press("Delete");
		await this.page.keyboard.type(text);
	}

	// rename takes another name, of which the page takes at most so many letters.
	async rename(name, letters = name.length) {
		await this.press("me");
		await this.fill("name", name);
		assert.equal(await this.get("name").inputValue(), name.slice(0, letters));
		this.name = name.slice(0, letters);
		await this.press("enter");
		await this.closed("hello");
		await becomes("the new name is on the page", async () => (await this.get("me").textContent()).includes(this.name), true);
	}

	// again sends again what was not sent; then the person may type on.
	async again() {
		const button = this.get("log").getByRole("button", { name: "Send again" }).first();
		if (this.touch) {
			await button.tap();
		} else {
			await button.focus();
			await this.page.keyboard.press("Enter");
		}
		await this.mayType();
	}

	mayType = () => this.get("text").and(this.page.locator(":focus")).waitFor();

	// open begins a chat: kind is user or group.
	async open(kind, name) {
		await this.press(`open-${kind}`);
		await this.fill("target", name);
		await this.press("target-ok");
		await this.closed("ask");
		await this.at(`${kind}:${name}`);
	}

	// answer presses the name of somebody who said something here, to write to them.
	async answer(name) {
		const way = this.get("log").getByRole("button", { name, exact: true }).first();
		await (this.touch ? way.tap() : way.click());
		await this.at(`user:${name}`);
		await this.mayType();
	}

	// turnTo shows a chat of the list: "all:", "user:NAME" or "group:NAME".
	async turnTo(chat) {
		if (await this.current() === chat) return;
		await this.get(chat).waitFor();
		await this.press(chat);
		await this.at(chat);
	}

	current = () => this.get("chats").locator("[aria-current]").getAttribute("data-testid");

	// at waits until a chat is on the screen, and so is its place in the list.
	async at(chat) {
		await becomes("the chat on the screen", this.current, chat);
		await becomes(`${chat} is seen in the list`, () => this.get("chats").evaluate((list) => {
			const all = list.getBoundingClientRect(), one = list.querySelector("[aria-current]").getBoundingClientRect();
			return one.left >= all.left - 1 && one.left < all.right - 20 && one.top >= all.top - 1 && one.bottom <= all.bottom + 1;
		}), true);
	}

	// say types a text into the chat on the screen and sends it.
	async say(text) {
		const chat = await this.current();
		const field = this.get("text");
		if (!await field.evaluate((el) => el === document.activeElement)) await (this.touch ? field.tap() : this.tabTo("text"));
		for (const [i, part] of text.split("\n").entries()) {
			if (i) await this.page.keyboard.press("Shift+Enter");
			await this.page.keyboard.type(part);
		}
		await (this.touch ? this.get("send").tap() : this.page.keyboard.press("Enter"));
		this.said.push({ chat, as: this.name, text });
	}

	// typeUntil says one line after the other, at least least, until done is set.
	// Nobody types on while ten lines are not sent.
	async typeUntil(done, least, text) {
		for (let n = 1; n <= least || !done.yes; n++) {
			await until("lines are sent", async () => (await this.get("log").locator("[data-line=sending]").count()) < waiting);
			await this.say(`${text} ${n}`);
			done.lines = Math.max(done.lines, n);
		}
	}

	// forget drops what was said so far from what is to be heard and sent.
	forget = () => { this.said = []; };

	// lines returns the chat on the screen, as [state, from, text].
	lines = () => this.get("log").evaluate((log) => [...log.querySelectorAll("[data-testid=line]")].map((el) => [
		el.dataset.line, el.querySelector(".from")?.textContent ?? "", el.querySelector(".text").textContent,
	]));

	// allSent waits until every line of the chat on the screen that is this
	// person's is sent, each is there once, and in order.
	async allSent() {
		const here = await this.current();
		const want = this.said.filter(({ chat }) => chat === here).map(({ text }) => ["sent", "", text]);
		await becomes(`the transcript of ${this.name}`, async () => (await this.lines()).filter(([state]) => state !== "in"), want);
	}

	// settled waits until all this person did is done, joining groups too: what comes
	// over one connection is handled in order.
	async settled() {
		await this.turnTo("all:");
		await this.say("so be it");
		await this.allSent();
	}

	// hasHeard waits until a chat shows all that somebody has said in one of his,
	// under the present name, each line once, and in order.
	async hasHeard(chat, who, inHis) {
		await this.turnTo(chat);
		const want = who.said.filter((l) => l.chat === inHis && l.as === who.name).map(({ text }) => ["in", who.name, text]);
		await becomes(`what ${this.name} heard of ${who.name} in ${chat}`, async () => (await this.lines()).filter(([state, from]) => state === "in" && from === who.name), want);
	}
}
