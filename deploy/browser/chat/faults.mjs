// The play in which processes die while people talk in every direction: every screen is
// what the database has, and the sockets of gateways that live stay.
import assert from "node:assert/strict";
import { ask, becomes, desktop, gateways, kill, otherThan, phone, play, processAt, scene, start, until } from "../stage.mjs";
import { Member } from "./member.mjs";
import { same } from "./screen.mjs";
import { png } from "./uploads.mjs";

const least = 12; // lines of each, so that something is always on its way

await play(async () => {
	let ada, bob, cai;
	await scene("three people on two gateways", async () => {
		const made = [["ada", "Ada", desktop, gateways[0]], ["bob", "Bob", phone, gateways[1]], ["cai", "蔡", { ...desktop, locale: "zh-CN" }, gateways[1]]];
		for (const [name, display] of made) await ask("person", { body: { name, display } });
		[ada, bob, cai] = await Promise.all(made.map(async ([name, display, look, gateway]) => {
			const m = await Member.arrive(name, { display, look, gateways: [gateway, otherThan(gateway)], forgiven: [/the server responded with a status of 50[23]/] });
			await m.signIn();
			return m;
		}));
		assert.deepEqual([ada, bob, cai].map((m) => m.gateway()), [gateways[0], gateways[1], gateways[1]]);
		await ada.begin("bob", "Bob");
		await ada.say("shall we?");
		await ada.gather("all three", ["bob", "cai"]);
		await ada.say("let us");
	});

	await scene("a worker is killed while they type, then the other", async () => {
		await talking(async (typed) => {
			for (const worker of ["worker-2", "worker-1"]) { // whoever had them: both go
				await typed(4);
				await kill(worker);
				await typed(4);
				await start(worker);
			}
		});
		for (const m of [ada, bob, cai]) assert.equal(lost(m).length, 0, `${m.name} lost a socket`);
		await allSame();
	});

	await scene("a worker stands still while they type", async () => {
		await talking(async (typed) => {
			await typed(2);
			await ask("freeze/worker-1");
			await typed(8);
			await ask("thaw/worker-1");
		});
		for (const m of [ada, bob, cai]) assert.equal(lost(m).length, 0, `${m.name} lost a socket`);
		await allSame();
	});

	await scene("her gateway is killed while they type", async () => {
		await talking(async (typed) => {
			await typed(3);
			await kill(processAt(gateways[0]));
			await becomes("she is at the other one", () => ada.gateway(), gateways[1]);
			await typed(3);
			await start(processAt(gateways[0]));
		});
		for (const m of [bob, cai]) assert.equal(lost(m).length, 0, `${m.name} lost a socket of a gateway that lives`);
		await allSame();
	});

	await scene("the api is killed: who is there talks on, a picture waits", async () => {
		await kill("api");
		await bob.toList();
		await bob.turnTo("all three");
		await bob.show({ name: "waits.png", mimeType: "image/png", buffer: png(64, 48) });
		await bob.say("behind the picture");
		await ada.turnTo("all three");
		await ada.say("nobody noticed");
		await bob.hears("nobody noticed");
		for (const m of [ada, bob, cai]) assert.deepEqual(lost(m).filter((s) => s.url !== gateways[0]), [], `${m.name} lost a socket`);
		await start("api");
		await ada.hears("behind the picture");
		await becomes("the picture came, once", () => ada.log().getByRole("button", { name: /waits\.png/ }).count(), 1);
		await allSame();
	});

	await scene("a gateway, a worker and the api are killed at once", async () => {
		await talking(async (typed) => {
			await typed(3);
			await Promise.all([kill(processAt(gateways[1])), kill("worker-1"), kill("api")]);
			for (const m of [ada, bob, cai]) await becomes(`${m.name} is at the other one`, () => m.gateway(), gateways[0]);
			await typed(3);
			await Promise.all([start(processAt(gateways[1])), start("worker-1"), start("api")]);
		});
		await allSame();
	});

	// talking lets all three type, each somewhere else, until a fault is over and all of
	// it is sent.
	async function talking(fault) {
		await ada.turnTo("Bob");
		await bob.toList();
		await bob.turnTo("all three");
		await cai.turnTo(cai.w.lobby);
		let over = false, total = 0;
		const said = { ada: 0, bob: 0, cai: 0 };
		const round = (talking.round = (talking.round ?? 0) + 1);
		const type = async (m) => {
			for (let n = 1; n <= least || !over; n++, total++) {
				await until(`what ${m.name} said leaves`, () => m.page.getByTestId("state").getAttribute("data-unsent").then((unsent) => Number(unsent) < 20));
				await m.say(`${m.name} ${round}.${said[m.name] = n}`);
			}
		};
		const typed = async (more) => {
			const from = { ...said };
			await until("they type on", () => Object.keys(said).every((name) => said[name] >= from[name] + more));
		};
		await Promise.all([type(ada), type(bob), type(cai), fault(typed).finally(() => { over = true; })]);
		for (const m of [ada, bob, cai]) await m.online();
		return total;
	}

	// allSame compares every conversation of everybody with the database.
	async function allSame() {
		for (const [title, who] of [["Bob", [ada]], ["Ada", [bob]], ["all three", [ada, bob, cai]], ["", [ada, bob, cai]]]) {
			for (const m of who) {
				await m.toList();
				await m.turnTo(title || m.w.lobby);
			}
			await same(...who);
		}
	}
});

// lost are the sockets that closed since it was last asked.
function lost(m) {
	const gone = m.sockets.filter((s) => !s.open);
	m.sockets = m.sockets.filter((s) => s.open);
	return gone;
}
