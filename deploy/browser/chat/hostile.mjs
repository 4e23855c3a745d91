// The play of bad people: texts that are markup wherever a text can stand, and files that
// are no pictures.
import assert from "node:assert/strict";
import { ask, becomes, desktop, home, phone, picture, play, scene, until } from "../stage.mjs";
import { Member } from "./member.mjs";
import { same } from "./screen.mjs";
import { program } from "./program.mjs";
import { harmless, refused } from "./uploads.mjs";
import { strings } from "./xss.mjs";

// Names and titles are not that long, and have nothing in them that cannot be seen.
const turns = /[\u202a-\u202e\u2066-\u2069\u200d]/;
const names = strings.filter((s) => [...s].length <= 64 && !turns.test(s));
const titles = strings.filter((s) => [...s].length <= 128 && !turns.test(s));

await play(async () => {
	assert.equal(strings.length, 50);
	let eve, bob;
	await scene("one writes, one looks", async () => {
		for (const name of ["eve", "bob"]) await ask("person", { body: { name: `${name}-h`, display: name } });
		eve = await Member.arrive("eve-h", { display: "eve", look: desktop, forgiven: [/status of 4\d\d/] });
		bob = await Member.arrive("bob-h", { display: "bob", look: phone });
		for (const m of [eve, bob]) await m.signIn();
		await eve.begin("bob-h", "bob");
		await eve.say("look at these");
		await bob.toList();
		await bob.turnTo("eve");
	});

	await scene("fifty texts as messages", async () => {
		for (const text of strings) await eve.say(text);
		await bob.hears(strings.at(-1).slice(0, 40));
		await same(eve, bob);
		await clean();
		await picture(bob.page, "hostile-messages-phone-light-en");
	});

	await scene("as names that are shown, as titles and as names of files", async () => {
		const { id } = await ask("person", { body: { name: "bob-2", display: "bob" } });
		assert.ok(id);
		for (const [i, display] of names.entries()) await ask("person", { body: { name: `hostile-${i}`, display } });
		const them = await Promise.all(names.map((_, i) => program(`hostile-${i}`)));
		const users = await them[0].call("getUsers", { names: ["bob-h", "eve-h"] });
		const ids = users.users.map((u) => u.id);
		await assert.rejects(them[0].call("createGroup", { name: strings.find((s) => turns.test(s)), users: ids, requestId: "turns" }), /cannot be seen/);
		await inTurns(them, async (who, i) => {
			const { conversation } = await who.call("createGroup", { name: titles[i], users: ids, requestId: `group-${i}` });
			await who.call("sendMessage", { conversation: conversation.id, requestId: `hello-${i}`, text: strings[i] });
			if (i % 5 === 0) await who.show(conversation.id, `${strings[i].replaceAll("/", "\u2215")}.png`, i);
		});
		for (const [i, title] of titles.slice(0, them.length).entries()) {
			await bob.page.evaluate((hash) => { location.hash = hash; }, `#/c/${them[i].made}`);
			await becomes(`the title is text: ${title}`, () => bob.heading().textContent(), title);
			await becomes(`so is the name: ${names[i]}`, () => bob.log().getByRole("article").first().locator("p").first().textContent(), names[i]);
			if (i % 10 === 0) await clean();
		}
		await same(bob);
		await clean();
		await bob.press(bob.role("button", "Show people"));
		await clean();
	}, 120_000);

	await scene("an address with markup in it", async () => {
		await eve.page.goto(`${home}#/with/${encodeURIComponent("<img src=x onerror=hacked=1>")}`);
		await eve.page.reload();
		await eve.online();
		await clean();
		await eve.turnTo("bob");
	});

	await scene("pictures whose names are not harmless", async () => {
		for (const file of harmless()) {
			await eve.show(file);
			await becomes(`${file.name} is shown`, () => eve.log().getByRole("button", { name: /^View the picture/ }).last().locator("img").evaluate((img) => img.naturalWidth), file.buffer.readUInt32BE(16));
		}
		await same(eve);
		await clean();
	});

	await scene("files that are no pictures are refused, and one is told why", async () => {
		const note = eve.page.getByRole("status").locator("p");
		const failed = eve.log().getByRole("article").filter({ hasText: "Not sent" });
		const before = await storedCount();
		for (const [what, told, where, file] of refused()) {
			const chooser = eve.page.waitForEvent("filechooser");
			await eve.press(eve.role("button", eve.w.attach));
			await (await chooser).setFiles([file]);
			const send = eve.role("button", eve.w.send);
			let said;
			await until(`${what} is refused in words: ${told}`, async () => {
				if (await send.isEnabled()) await eve.press(send);
				said = await (where === "page" ? note : failed).allTextContents();
				return said.some((s) => told.test(s));
			}).finally(() => console.log(`        ${what}: ${said}`));
			await Promise.all((await failed.all()).map((f) => f.getByRole("button", { name: "Discard" }).click()));
			await becomes("it is gone", () => failed.count(), 0);
		}
		assert.equal(await storedCount(), before, "one was stored");
		await clean();
	}, 120_000);

	async function storedCount() { return (await ask(`stored/${await eve.conversation()}?as=eve-h`, { method: "GET" })).length; }

	// clean wants nobody's text to have become markup or to have run, on any page.
	async function clean() {
		for (const m of [eve, bob]) {
			assert.equal(await m.page.evaluate(() => window.hacked), undefined, "a text was run");
			const wrong = await m.page.evaluate(() => [...document.querySelectorAll("script:not(head > script), iframe, object, embed, link:not(head > link), style:not(head > style), base, form[action], meta:not(head > meta), video, audio, marquee, details, template, math, svg script, svg animate, [onerror], [onload], [onfocus], [onmouseover], bdi *, .bubble-text :not(a)")]
				.concat([...document.links].filter((a) => !/^https?:$/.test(a.protocol) || (a.origin !== location.origin && a.rel !== "noopener noreferrer nofollow")), [...document.images].filter((img) => !/^blob:|\/favicon.svg$/.test(img.src) && img.src))
				.map((el) => el.outerHTML));
			assert.deepEqual(wrong, [], "a text became markup");
		}
	}
});

async function inTurns(list, act) {
	for (const [i, each] of list.entries()) await act(each, i);
}
