// The play of the first minutes: people who have never seen the page come in, talk in
// every way there is, and find everything again. One has a desk and English, one a phone
// at night and Chinese.
import assert from "node:assert/strict";
import { becomes, desktop, home, phone, picture, play, scene, until } from "../stage.mjs";
import { good, isDark, isLight, speaks } from "../looks.mjs";
import { Member } from "./member.mjs";
import { program } from "./program.mjs";
import { same } from "./screen.mjs";
import { png } from "./uploads.mjs";

const atDesk = { ...desktop, colorScheme: "light", locale: "en-US" };
const atNight = { ...phone, colorScheme: "dark", locale: "zh-CN" };

await play(async () => {
	let ada, lei; // 雷 is short of a keyboard
	await scene("the page before anybody has a name", async () => {
		lei = await Member.arrive("lei", { display: "小雷", look: atNight });
		ada = await Member.arrive("ada", { display: "Ada L.", look: atDesk });
		for (const [m, language] of [[ada, "en"], [lei, "zh"]]) {
			for (const tab of [m.w.signIn, m.w.signUp, m.w.asGuest]) {
				await m.press(m.role("tab", tab));
				await good(m.page, `${tab}, ${language}`);
				await speaks(m.page, language, ["Parley"]);
			}
			await picture(m.page, `welcome-${language}`);
		}
		await isDark(lei.page);
		await isLight(ada.page);
	});

	await scene("they sign up and are in the lobby", async () => {
		for (const m of [ada, lei]) {
			await m.signUp();
			await m.at(m.w.lobby);
		}
		await ada.say("hello, whoever is here");
		await lei.hears("hello, whoever is here");
		await lei.say("你好！👋");
		await ada.hears("你好！👋");
		await same(ada, lei);
		await good(lei.page, "lobby, phone, dark, zh");
		await good(ada.page, "lobby, desktop, light, en");
	});

	await scene("they talk one to one; what nobody has read is counted", async () => {
		await lei.toList();
		await ada.begin("lei", "小雷");
		await ada.say("between us");
		await ada.say("one more");
		await becomes("he is told how many", () => lei.entry("Ada L.").textContent().then((t) => t.includes(lei.w.unread(2))), true);
		await becomes("so is his title", () => lei.page.title(), "(2) Parley");
		await good(lei.page, "list, phone, dark, zh");
		await picture(lei.page, "list-phone-dark-zh");
		await lei.turnTo("Ada L.");
		await lei.hears("one more");
		await becomes("he has read it", () => lei.page.title(), "Parley");
		await becomes("and she sees that", () => ada.message("one more").textContent().then((t) => /Read/.test(t)), true);
		await lei.say("看到了");
		await ada.hears("看到了");
		await same(ada, lei);
	});

	let eve;
	await scene("an address leads to somebody, after signing up", async () => {
		eve = await Member.arrive("eve", { display: "Eve", look: { ...atDesk, colorScheme: "dark" }, at: "#/with/ada" });
		await eve.signUp();
		await eve.at("Ada L.");
		await eve.say("I had your address");
		await becomes("she is told", () => ada.entry("Eve").textContent().then((t) => t.includes(ada.w.unread(1))), true);
		await good(eve.page, "direct, desktop, dark, en");
	});

	await scene("they talk in a group", async () => {
		await ada.gather("Tea 茶", ["lei", "eve"]);
		await ada.say("who wants tea?");
		for (const m of [lei, eve]) {
			await m.toList();
			await m.turnTo("Tea 茶");
			await m.hears("who wants tea?");
			await m.say(`${m.name} does`);
		}
		for (const m of [lei, eve]) await ada.hears(`${m.name} does`);
		await same(ada, lei, eve);
		await good(ada.page, "group, desktop, light, en");
		await picture(ada.page, "group-desktop-light-en");
	});

	await scene("a picture is seen by all, small and large", async () => {
		await lei.show({ name: "杯子.png", mimeType: "image/png", buffer: png(640, 480) });
		for (const m of [ada, eve, lei]) {
			const shown = m.log().getByRole("button", { name: new RegExp(`^${m.w.viewPicture}`) });
			await shown.waitFor();
			await becomes("the small one is there", () => shown.locator("img").evaluate((img) => img.complete && img.naturalWidth > 0), true);
			assert.match(await shown.getAttribute("aria-label"), /杯子\.png/);
			await m.press(shown);
			const large = m.page.getByRole("dialog").locator("img");
			await becomes("the large one is there", () => large.evaluate((img) => [img.complete, img.naturalWidth, img.naturalHeight]), [true, 640, 480]);
			await good(m.page, `viewer, ${m.name}`);
			await m.press(m.page.getByRole("dialog").getByRole("button", { name: m.w.close }));
			await m.page.getByRole("dialog").waitFor({ state: "detached" });
		}
		await same(ada, lei, eve);
	});

	await scene("what one said can be changed, and taken back", async () => {
		await ada.say("I say tea");
		await ada.choose("I say tea", ada.w.edit);
		const field = ada.role("textbox", ada.w.editing);
		await field.fill("I say green tea");
		await field.press("Enter");
		await eve.say("forget this");
		await lei.hears("forget this");
		await good(lei.page, "messages, phone, dark, zh");
		await eve.choose("forget this", eve.w.recall);
		for (const m of [ada, lei, eve]) {
			await m.hears("I say green tea");
			await becomes("it is gone", () => m.log().getByText("forget this").count(), 0);
		}
		await same(ada, lei, eve);
	});

	await scene("a long history comes with scrolling", async () => {
		await (await program("eve")).say(await ada.conversation(), 160);
		for (const m of [lei, ada]) await m.hears("line 160");
		await same(ada);
		await lei.page.reload();
		await lei.at("Tea 茶");
		await lei.hears("line 160");
		await same(lei);
	});

	await scene("who is there, and who is in it", async () => {
		await lei.press(lei.role("button", /联系人/));
		const people = lei.role("region", lei.w.people);
		for (const name of ["Ada L.", "Eve"]) await people.getByRole("button", { name: new RegExp(name) }).first().waitFor();
		await good(lei.page, "people, phone, dark, zh");
		await speaks(lei.page, "zh", ["Parley", "Tea", "ada", "eve", "lei"]);
		await picture(lei.page, "people-phone-dark-zh");
		await lei.toList();
	});

	await scene("a guest comes in without a password", async () => {
		const guest = await Member.arrive("guest", { display: "Passer-by", look: { ...phone, locale: "en-US" } });
		await guest.visitAsGuest();
		await guest.at(guest.w.lobby);
		await guest.say("just looking");
		await ada.turnTo(ada.w.lobby);
		await ada.hears("just looking");
		assert.match(await ada.message("just looking").textContent(), /Guest/);
		await good(guest.page, "lobby, phone, light, en");
		await guest.page.context().close();
	});

	await scene("every dialog, and another language", async () => {
		await ada.toNew(ada.w.group);
		await good(ada.page, "new group, desktop, light, en");
		await ada.page.keyboard.press("Escape");
		await ada.press(ada.role("button", /Ada L\./).first());
		await good(ada.page, "own menu");
		await ada.press(ada.role("menuitem", ada.w.other));
		await becomes("it is another", () => ada.page.evaluate(() => document.documentElement.lang), "zh-CN");
		await speaks(ada.page, "zh", ["Parley", "ada", "eve", "lei"]);
		await picture(ada.page, "lobby-desktop-light-zh");
	});

	await scene("who signs out and in again finds everything", async () => {
		await eve.turnTo("Tea 茶");
		await eve.press(eve.role("button", /^Eve/).first());
		await eve.press(eve.role("menuitem", eve.w.signOut));
		await eve.signIn();
		await eve.turnTo("Tea 茶");
		await same(eve);
		await until("no token is left in the address", async () => !eve.page.url().includes("token"));
		assert.ok(eve.page.url().startsWith(home));
	});
});
