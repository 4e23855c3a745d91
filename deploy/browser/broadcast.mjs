// The play on broadcast's page: no names, no chats, everything goes to everyone.
import assert from "node:assert/strict";
import { clean, good, isDark, isLight, speaks } from "./looks.mjs";
import { becomes, connectedTo, desktop, free, kill, open, otherThan, phone, picture, play, processAt, scene, start, states, until } from "./stage.mjs";

const markup = "<img src=x onerror=hacked=1><script>hacked=1</script> &amp; \u202Eabc\u202C " + "x".repeat(300);

await play(async () => {
	const said = { ada: [], bob: [] };
	let ada, bob; // Ada has a keyboard and nothing else, Bob a phone at night

	await scene("two people on two gateways, in every look", async () => {
		bob = await open("bob", { ...phone, colorScheme: "dark", locale: "zh-CN" });
		const his = await connectedTo(bob);
		ada = await open("ada", { ...desktop, colorScheme: "light" }, otherThan(his));
		assert.equal(await connectedTo(ada), otherThan(his));
		await free(ada);
		await speaks(ada, "en", []);
		await speaks(bob, "zh", ["broadcast"]);
	});

	await scene("they hear each other and themselves, markup is text", async () => {
		await type("ada", "hello, all");
		await heard();
		await tap("bob", markup);
		await tap("bob", "你好");
		await heard();
		for (const page of [ada, bob]) await clean(page);
	});

	await scene("a worker is killed while they type, then the other", async () => {
		for (const page of [ada, bob]) await states(page);
		let done = false;
		const typeOn = async (say, who) => {
			for (let n = 1; n <= 20 || !done; n++) {
				await until("lines are sent", async () => (await pageOf(who).locator("[data-line=sending]").count()) < 10);
				await say(who, `${who} ${n}`);
			}
		};
		await Promise.all([
			typeOn(type, "ada"), typeOn(tap, "bob"),
			(async () => {
				for (const worker of ["worker-2", "worker-1"]) { // whoever had them: both go
					const typed = said.ada.length;
					await until("they type on", () => said.ada.length > typed + 5);
					await kill(worker);
					await start(worker);
				}
				done = true;
			})(),
		]);
		await heard();
		for (const page of [ada, bob]) assert.deepEqual(await states(page), [], "the connection");
	});

	await scene("her gateway is killed, and she types on", async () => {
		const hers = await connectedTo(ada);
		await kill(processAt(hers));
		await until("she sees it", async () => (await states(ada)).length);
		for (let n = 1; n <= 5; n++) await type("ada", `moving ${n}`);
		assert.equal(await connectedTo(ada), otherThan(hers));
		await heard();
		await start(processAt(hers));
	});

	await scene("what may not have been heard is for her to decide", async () => {
		const here = await connectedTo(ada);
		for (const worker of ["worker-1", "worker-2"]) await kill(worker);
		await type("ada", "anybody?"); // nobody handles it
		await kill(processAt(here));
		await becomes("the doubt is shown", () => lines(ada).then((l) => l.at(-1)), ["unsure", "anybody?"]);
		await good(ada, "a doubtful line");
		await picture(ada, "doubt-desktop-light-en");
		for (const process of ["worker-1", "worker-2", processAt(here)]) await start(process);
		for (const page of [ada, bob]) await connectedTo(page);
		const button = ada.getByTestId("log").getByRole("button");
		await button.focus();
		await ada.keyboard.press("Enter");
		await heard();
		said.ada.push("yes");
		await ada.keyboard.type("yes\n"); // the field has the focus again
		await heard();
	});

	await scene("the page in every look", async () => {
		for (const [page, name] of [[ada, "desktop"], [bob, "phone"]]) {
			for (const colorScheme of ["light", "dark"]) {
				await page.emulateMedia({ colorScheme });
				await (colorScheme === "dark" ? isDark : isLight)(page);
				await good(page, `${name}, ${colorScheme}`);
				await picture(page, `${name}-${colorScheme}`);
			}
		}
	});

	function pageOf(who) { return { ada, bob }[who]; }

	// type and tap say a text: with the keyboard, and with fingers.
	async function type(who, text) {
		said[who].push(text);
		await pageOf(who).keyboard.type(text); // the field has the focus, from the beginning
		await pageOf(who).keyboard.press("Enter");
	}
	async function tap(who, text) {
		said[who].push(text);
		await pageOf(who).getByTestId("text").tap();
		await pageOf(who).keyboard.type(text);
		await pageOf(who).getByTestId("send").tap();
	}

	function lines(page) {
		return page.getByTestId("log").evaluate((log) => [...log.querySelectorAll("[data-testid=line]")].map((el) => [el.dataset.line, el.querySelector(".text").textContent]));
	}

	// heard waits until each page shows what each has said, once and in order.
	async function heard() {
		for (const [page, mine, theirs] of [[ada, "ada", "bob"], [bob, "bob", "ada"]]) {
			await becomes(`${mine}'s own lines`, async () => (await lines(page)).filter(([state]) => state !== "in"), said[mine].map((text) => ["sent", text]));
			await becomes(`what ${mine} heard`, async () => (await lines(page)).filter(([state]) => state === "in"), said[theirs].map((text) => ["in", text]));
		}
	}
});
