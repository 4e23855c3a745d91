// The play on swooleim's page.
import assert from "node:assert/strict";
import { faults } from "./faults.mjs";
import { clean, fits, good, isDark, isLight, speaks } from "./looks.mjs";
import { Person } from "./person.mjs";
import { becomes, connectedTo, desktop, free, otherThan, phone, picture, play, scene, states } from "./stage.mjs";

const markup = {
	name: "<img src=x onerror=hacked=1>",
	group: "\"><svg onload=hacked=1>",
	message: "<script>hacked=1</script><b>bold</b> &lt;i&gt; {0} ${hacked=1} ' onfocus=hacked=1 \"",
};
const odd = "🧑‍🚀 e\u0301 שלום \u202Eabc\u202C 你好";

await play(async () => {
	let ada, bob; // Ada has a keyboard and nothing else, Bob a phone at night
	await scene("the page before anybody has a name", async () => {
		bob = await Person.arrive("鲍勃", { ...phone, colorScheme: "dark", locale: "zh-CN" });
		await isDark(bob.page);
		await speaks(bob.page, "zh", ["swooleim"]);
		await good(bob.page, "sign in, phone, dark, zh");
		await picture(bob.page, "sign-in-phone-dark-zh");
		await bob.page.emulateMedia({ colorScheme: "light" });
		await isLight(bob.page);
		await good(bob.page, "sign in, phone, light, zh");
		await bob.page.emulateMedia({ colorScheme: "dark" });
	});

	await scene("two people sign in on two gateways", async () => {
		const his = await bob.signIn();
		ada = await Person.arrive("Ada", { ...desktop, colorScheme: "light" }, otherThan(his));
		await isLight(ada.page);
		await speaks(ada.page, "en", []);
		await good(ada.page, "sign in, desktop, light, en");
		await picture(ada.page, "sign-in-desktop-light-en");
		assert.equal(await ada.signIn(), otherThan(his));
		await free(ada.page);
	});

	let eve; // her name is markup; she is in no group
	await scene("they talk to one, to a group and to everyone", async () => {
		eve = await Person.arrive(markup.name, { ...desktop, colorScheme: "dark" });
		await eve.signIn();
		for (const p of [ada, bob]) {
			await p.open("group", "茶 tea");
			await p.settled();
			await p.turnTo("group:茶 tea");
		}
		await ada.say("who wants tea?");
		await bob.hasHeard("group:茶 tea", ada, "group:茶 tea");
		await bob.say("我要。\n两杯");
		await ada.hasHeard("group:茶 tea", bob, "group:茶 tea");
		await ada.open("user", bob.name);
		await ada.say("between us");
		await bob.hasHeard("user:Ada", ada, "user:鲍勃");
		await bob.say("放心");
		await ada.hasHeard("user:鲍勃", bob, "user:Ada");
		for (const p of [ada, bob]) await p.turnTo("all:");
		await ada.say("hello, all");
		await bob.say(odd);
		await bob.hasHeard("all:", ada, "all:");
		for (const p of [ada, bob]) await eve.hasHeard("all:", p, "all:");
		assert.equal(await eve.get("chats").getByRole("button").count(), 1, "Eve was told what was not for her");
	});

	await scene("a name among the lines is the way to its owner", async () => {
		await bob.turnTo("all:");
		await bob.answer("Ada");
		await bob.say("so it is you");
		await ada.hasHeard("user:鲍勃", bob, "user:Ada");
		await ada.turnTo("all:");
		await ada.answer(bob.name);
		await good(bob.page, "one other, phone, dark, zh");
	});

	await scene("markup as name, group and message is text", async () => {
		await eve.say(markup.message);
		for (const p of [ada, bob]) {
			await p.hasHeard("all:", eve, "all:");
			await p.open("group", markup.group);
			await p.settled();
			await p.turnTo(`group:${markup.group}`);
		}
		await bob.say("x".repeat(300)); // a word that has no place to break
		await ada.hasHeard(`group:${markup.group}`, bob, `group:${markup.group}`);
		await ada.say(markup.message);
		await bob.hasHeard(`group:${markup.group}`, ada, `group:${markup.group}`);
		await eve.open("user", "Ada");
		await eve.say("<a href=javascript:hacked=1>");
		await ada.hasHeard(`user:${markup.name}`, eve, "user:Ada");
		await ada.say(odd);
		await eve.hasHeard("user:Ada", ada, `user:${markup.name}`);
		for (const p of [ada, bob, eve]) {
			await clean(p.page);
			await fits(p.page, "markup and long words");
		}
		await picture(eve.page, "chat-desktop-dark-en");
	});

	await scene("names that are none, too long, and magic", async () => {
		await eve.press("me");
		await eve.fill("name", "   ");
		await eve.press("enter");
		await eve.closed("hello");
		await becomes("a blank name changes nothing", async () => (await eve.get("me").textContent()).includes(markup.name), true);
		await eve.rename("__proto__" + "n".repeat(60), 40);
		await eve.turnTo("all:");
		await eve.say("renamed");
		for (const p of [ada, bob]) await p.hasHeard("all:", eve, "all:");
		await fits(eve.page, "a long name");
		await fits(bob.page, "a long name");
		await picture(bob.page, "long-name-phone-dark-zh");
	});

	await scene("what could not be delivered is said, and can be sent again", async () => {
		await ada.open("user", "Zoé");
		await ada.say("are you there?");
		await becomes("the failure is shown", ada.lines, [["failed", "", "are you there?"]]);
		const zoe = await Person.arrive("Zoé", { ...desktop, locale: "zh-CN" });
		await zoe.signIn();
		await ada.again();
		await ada.allSent();
		await zoe.hasHeard("user:Ada", ada, "user:Zoé");
		await speaks(zoe.page, "zh", ["swooleim", "are you there?", "Ada", "Zoé"]);
	});

	await faults(ada, bob, eve);

	await scene("a reload keeps name, chats and groups", async () => {
		const chats = () => bob.get("chats").getByRole("button").evaluateAll((list) => list.map((el) => el.dataset.testid));
		const before = await chats();
		await bob.page.reload();
		await connectedTo(bob.page);
		assert.deepEqual(await chats(), before);
		for (const p of [ada, bob]) p.forget();
		await bob.settled();
		await ada.turnTo("group:茶 tea");
		await ada.say("one more cup?");
		await becomes("the title tells what is new", () => bob.page.title(), "(1) swooleim · Parley");
		await bob.hasHeard("group:茶 tea", ada, "group:茶 tea");
	});

	await scene("who leaves a group hears no more of it", async () => {
		const group = `group:${markup.group}`;
		await bob.turnTo(group);
		await states(bob.page);
		await bob.press("leave");
		await becomes("he comes back", async () => (await states(bob.page)).at(-1), "online");
		await bob.settled();
		await ada.turnTo(group);
		await ada.say("is he gone?");
		await ada.turnTo("group:茶 tea");
		await ada.say("he is");
		await bob.hasHeard("group:茶 tea", ada, "group:茶 tea");
		assert.equal(await bob.get(group).count(), 0);
	});

	await scene("a guest has a number and no private chats", async () => {
		const guest = await Person.arrive("guest", { ...phone });
		await guest.press("guest");
		await connectedTo(guest.page);
		await guest.say("just looking");
		await ada.turnTo("all:");
		await becomes("Ada heard the guest", async () => /^guest \d{1,4}$/.test((await ada.lines()).find(([, , text]) => text === "just looking")?.[1]), true);
		await guest.open("user", "Ada");
		await guest.say("psst");
		await becomes("a guest cannot write to one", guest.lines, [["failed", "", "psst"]]);
		await good(guest.page, "a failed line, phone, light, en");
		await picture(guest.page, "failed-line-phone-light-en");
	});

	await scene("the chat in every look", async () => {
		for (const [p, name] of [[ada, "desktop"], [bob, "phone"]]) {
			for (const colorScheme of ["light", "dark"]) {
				await p.page.emulateMedia({ colorScheme });
				await (colorScheme === "dark" ? isDark : isLight)(p.page);
				await good(p.page, `chat, ${name}, ${colorScheme}`);
				await picture(p.page, `chat-${name}-${colorScheme}`);
			}
		}
	});
});
