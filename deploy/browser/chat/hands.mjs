// How somebody touches a page: with a mouse, with fingers, or with the keyboard alone.
import assert from "node:assert/strict";

const mostTabs = 80;

export const mouse = {
	press: (it) => it.click(),
	fill: (it, text) => it.fill(text),
};

export const fingers = {
	press: (it) => it.tap(),
	async fill(it, text) {
		await it.tap();
		await it.fill(text);
	},
};

// keys never leave the keyboard. What has the focus has to show it.
export const keys = {
	async press(it) {
		await tabTo(it);
		await it.page().keyboard.press("Enter");
	},
	async fill(it, text) {
		await tabTo(it);
		await it.page().keyboard.press("ControlOrMeta+a");
		await it.page().keyboard.press("Delete");
		await it.page().keyboard.insertText(text);
	},
};

// tabTo goes to something with Tab, as it must be possible from anywhere.
export async function tabTo(it) {
	await it.waitFor();
	const name = String(it);
	for (let n = 0; n < mostTabs; n++) {
		if (await it.evaluate((el) => el === document.activeElement)) return assertSeen(it, name);
		await it.page().keyboard.press("Tab");
	}
	assert.fail(`no way to ${name} with Tab`);
}

// assertSeen wants whatever has the focus to show that, itself or by what is around it.
export async function assertSeen(it, name = String(it)) {
	const seen = await it.evaluate((el) => [el, el.parentElement, el.closest("form")].some((e) => {
		const style = e && getComputedStyle(e);
		return style && (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none");
	}));
	assert.ok(seen, `${name} has the focus and does not show it`);
}
