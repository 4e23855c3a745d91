// The part of the play on swooleim's page in which processes are killed while
// people talk: nothing is lost, doubled or swapped.
import assert from "node:assert/strict";
import { Person } from "./person.mjs";
import { becomes, connectedTo, desktop, earOf, free, kill, otherThan, processAt, scene, start, states, until } from "./stage.mjs";

// faults wants Ada and Bob at two gateways and in the group 茶 tea; Eve, who is in
// no group, may be at either.
export async function faults(ada, bob, eve) {
	await scene("a worker is killed while they type, then the other", async () => {
		await ada.turnTo("user:鲍勃");
		await bob.turnTo("group:茶 tea");
		await eve.turnTo("all:");
		for (const p of [ada, bob, eve]) await states(p.page);
		const done = { lines: 0 };
		await Promise.all([
			ada.typeUntil(done, 20, "direct"), bob.typeUntil(done, 20, "小组"), eve.typeUntil(done, 20, "to all"),
			(async () => {
				for (const worker of ["worker-2", "worker-1"]) { // whoever had them: both go
					const typed = done.lines;
					await until("they type on", () => done.lines > typed + 5);
					await kill(worker);
					await start(worker);
				}
				done.yes = true;
			})(),
		]);
		for (const p of [ada, bob, eve]) {
			await p.allSent();
			assert.deepEqual(await states(p.page), [], `${p.name}'s connection`);
		}
		await everybodyHeardAll();
	});

	await scene("her gateway is killed while she types", async () => {
		await ada.turnTo("user:鲍勃");
		const hers = await connectedTo(ada.page);
		const done = { lines: 0 };
		await Promise.all([
			ada.typeUntil(done, 20, "moving"),
			(async () => {
				await until("she types", () => done.lines > 5);
				await kill(processAt(hers));
				await becomes("she is at the other gateway", () => connectedTo(ada.page), otherThan(hers));
				done.yes = true;
			})(),
		]);
		await ada.allSent();
		await start(processAt(hers));
		await everybodyHeardAll();
	});

	await scene("what was heard and not acknowledged is not heard twice", async () => {
		const his = await connectedTo(bob.page);
		const dan = await Person.arrive("Dan", { ...desktop }, otherThan(his));
		const ear = await earOf(dan.page);
		await dan.signIn();
		await free(dan.page);
		await dan.open("user", bob.name);
		ear.shut = true;
		for (let n = 1; n <= 5; n++) await dan.say(`heard ${n}`);
		await bob.hasHeard("user:Dan", dan, "user:鲍勃");
		await kill(processAt(otherThan(his)));
		ear.shut = false;
		await dan.allSent(); // from the other gateway
		await dan.say("that was all");
		await bob.hasHeard("user:Dan", dan, "user:鲍勃");
		await start(processAt(otherThan(his)));
	});

	await scene("the other gateway is killed while nobody serves the page", async () => {
		const here = await connectedTo(bob.page);
		await kill("worker-1"); // it serves the page
		await kill(processAt(here));
		for (const p of [ada, bob, eve]) await becomes(`${p.name} is at the other gateway`, () => connectedTo(p.page), otherThan(here));
		for (const p of [ada, bob, eve]) {
			await p.turnTo("all:");
			await p.say(`${p.name} is still there`);
		}
		await everybodyHeardAll();
		await start("worker-1");
		await start(processAt(here));
	});

	async function everybodyHeardAll() {
		await bob.hasHeard("user:Ada", ada, "user:鲍勃");
		await ada.hasHeard("group:茶 tea", bob, "group:茶 tea");
		for (const p of [ada, bob, eve]) {
			for (const other of [ada, bob, eve]) if (p !== other) await p.hasHeard("all:", other, "all:");
		}
	}
}
