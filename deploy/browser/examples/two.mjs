// Two people at the page of an example, on two gateways: Ann at a desk, Bob with a phone at
// night.
import assert from "node:assert/strict";
import { clean, good } from "../looks.mjs";
import { becomes, connectedTo, desktop, gateways, open, phone, picture } from "../stage.mjs";

export const markup = "<img src=x onerror=hacked=1><script>hacked=1</script> &amp; {0} \"'";
export const name = "<b onclick=hacked=1>Eve</b>";

// two opens the page for both; paths are what follows the page's address.
export async function two(paths = ["", ""]) {
	const ann = await open("ann", { ...desktop, colorScheme: "light" }, gateways[0], paths[0]);
	const bob = await open("bob", { ...phone, colorScheme: "dark" }, gateways[1], paths[1]);
	return [ann, bob];
}

export async function areOnline(...pages) {
	for (const page of pages) assert.ok(gateways.includes(await connectedTo(page)));
}

// say types a text into the field and sends it with Enter.
export async function say(page, text, field = "text") {
	await page.getByTestId(field).fill(text);
	await page.getByTestId(field).press("Enter");
}

export const lines = (page, log = "log") => page.getByTestId(log).getByTestId("line").allTextContents();

// shows waits until the newest lines on a page are these.
export const shows = (page, want, log) => becomes(`${want.length} lines`, async () => (await lines(page, log)).slice(-want.length), want);

// looksGood wants no markup to have come alive, no barriers, and leaves a picture.
export async function looksGood(page, what) {
	await clean(page);
	await good(page, what);
	await picture(page, what);
}
