// A person at the chat's page. Everything is found by its role and its name.
import { becomes, home, phone, until, visit } from "../stage.mjs";
import { fingers, keys, mouse } from "./hands.mjs";
import { wordsOf } from "./words.mjs";

// What people who were made on the stage sign in with.
export const password = "correct horse";

const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

export class Member {
	constructor(name, display, page, { hands, locale }) {
		Object.assign(this, { name, display, page, hands, w: wordsOf(locale), locale });
		this.sockets = []; // of this page: {url, open}
		page.on("websocket", (socket) => {
			const one = { url: new URL(socket.url()).host, open: true };
			this.sockets.push(one);
			socket.on("close", () => { one.open = false; });
		});
	}

	// arrive opens the page, at an address if one is given. Of gateways it is told only
	// those given, the first of which it takes; a network is one that the stage made; in a context it is another tab.
	static async arrive(name, { display = name, look, at = "", hands, gateways, network, context, clock = 0, forgiven } = {}) {
		hands ??= look.hasTouch === phone.hasTouch && look.hasTouch ? fingers : mouse;
		let member;
		await visit(name, {
			look: { serviceWorkers: "block", ...look }, context, forgiven,
			url: (network?.page ?? home) + at,
			prepare: async (page) => {
				member = new Member(name, display, page, { hands, locale: look.locale ?? "en-US" });
				if (gateways) await page.addInitScript(() => { Math.random = () => 0.75; }); // of equal ones it takes the first
				if (clock) await page.addInitScript(wrongClock, clock);
				member.gateways = gateways ?? network?.gateways;
				await member.knows();
			},
		});
		return member;
	}

	// knows makes the page know those gateways only that it was told of.
	async knows() {
		const list = this.gateways?.map((g) => ({ url: `ws://${g}/`, load: 0 }));
		if (list) await this.page.route("**/v1/gateways", (route) => route.fulfill({ json: { gateways: list } }));
	}

	role = (role, name, options = {}) => this.page.getByRole(role, { name, exact: typeof name === "string", ...options });
	press = (it) => this.hands.press(it);
	fill = (it, text) => this.hands.fill(it, text);

	async signUp() {
		await this.press(this.role("tab", this.w.signUp));
		await this.fill(this.field(this.w.name), this.name);
		await this.fill(this.field(this.w.shownAs), this.display);
		await this.fill(this.field(this.w.password), password);
		await this.press(this.role("button", this.w.create));
		await this.online();
	}

	async signIn() {
		await this.fill(this.field(this.w.name), this.name);
		await this.fill(this.field(this.w.password), password);
		await this.press(this.role("button", this.w.come));
		await this.online();
	}

	async visitAsGuest() {
		await this.press(this.role("tab", this.w.asGuest));
		await this.fill(this.field(this.w.guestName), this.display);
		await this.press(this.role("button", this.w.visit));
		await this.online();
	}

	// field is a field to write in, whatever follows its name.
	field = (label) => this.page.getByLabel(new RegExp(`^${escaped(label)}`)).and(this.page.locator("input, textarea"));

	// online waits until there is a connection and nothing is on its way.
	async online() {
		await this.page.getByTestId("state").and(this.page.locator("[data-state=online][data-behind=false][data-unsent='0']")).waitFor({ state: "attached" });
	}

	// gateway is where it is connected to.
	gateway = () => this.sockets.findLast((s) => s.open)?.url;

	// entry is a conversation in the list.
	entry = (title) => this.role("navigation", this.w.conversations).getByRole("link", { name: new RegExp(`^${escaped(title)}(?![^ ])`) });

	// turnTo opens a conversation of the list.
	async turnTo(title) {
		if (await this.title() === title) return;
		if (this.hands === keys) {
			await this.fill(this.role("searchbox", this.w.find), title);
			await this.page.keyboard.press("Enter");
		} else {
			if (!(await this.entry(title).isVisible())) await this.toList();
			const find = this.role("searchbox", this.w.find);
			const far = !(await this.entry(title).count()) && await find.count(); // a long list has only what is seen
			if (far) await find.fill(title);
			await this.press(this.entry(title).first());
			if (far) await find.fill("");
		}
		await this.at(title);
	}

	// toList goes back to the list, where only one fits the screen.
	async toList() {
		const back = this.role("button", this.w.back);
		if (await back.first().isVisible()) await this.press(back.first());
	}

	title = async () => ((await this.heading().count()) ? this.heading().textContent() : "");
	heading = () => this.page.getByRole("main").getByRole("heading", { level: 2 }).first();
	log = () => this.role("log", this.w.messages);

	// at waits until a conversation is open.
	async at(title) {
		await this.heading().filter({ hasText: new RegExp(`^${escaped(title)}$`) }).waitFor();
		await this.writing().waitFor();
	}

	writing = () => this.role("textbox", this.w.write);

	// say writes into the open conversation.
	async say(text) {
		if (this.hands === keys) await this.fill(this.writing(), text);
		else await this.writing().fill(text);
		if (this.hands === fingers) await this.press(this.role("button", this.w.send));
		else await this.writing().press("Enter");
		await becomes(`${this.name} may write on`, () => this.writing().inputValue(), "");
	}

	// hears waits until a text is on the screen, from somebody.
	hears = (text) => this.log().getByRole("article").filter({ hasText: text }).last().waitFor();

	// begin opens a conversation with somebody, by the name that they sign in with.
	async begin(name, title) {
		await this.toNew(this.w.person);
		await this.fill(this.field(this.w.personName), name);
		await this.press(this.role("button", this.w.start));
		await this.at(title);
	}

	// gather makes a group chat.
	async gather(title, names) {
		await this.toNew(this.w.group);
		await this.fill(this.field(this.w.groupName), title);
		for (const name of names) {
			await this.fill(this.field(this.w.members), name);
			await this.press(this.role("button", this.w.add));
			await becomes("the name is taken", () => this.field(this.w.members).inputValue(), "");
		}
		await this.press(this.role("button", this.w.make));
		await this.at(title);
	}

	async toNew(kind) {
		const button = this.role("button", this.w.newChat).first();
		if (!(await button.isVisible())) await this.toList();
		await this.press(button);
		if (this.hands === keys) {
			const tabs = this.role("dialog", this.w.newChat).getByRole("tab", { selected: true });
			await this.press(tabs);
			for (let n = 0; n < 3 && (await tabs.textContent()) !== kind; n++) await this.page.keyboard.press("ArrowRight");
		} else await this.press(this.role("tab", kind));
	}

	// message is one on the screen.
	message = (text) => this.log().getByRole("article").filter({ hasText: text }).last();

	// choose opens the menu of a message and chooses something.
	async choose(text, what) {
		const message = this.message(text);
		if (this.hands === keys) {
			await message.focus(); // arrows go there: see keyboard.mjs
			await this.page.keyboard.press("Enter");
		} else {
			await message.hover();
			await this.press(message.getByRole("button", { name: this.w.more, exact: true }));
		}
		const item = this.role("menuitem", what);
		await item.waitFor();
		if (this.hands === keys) {
			while (!(await item.evaluate((el) => el === document.activeElement))) await this.page.keyboard.press("ArrowDown");
			await this.page.keyboard.press("Enter");
		} else await this.press(item);
	}

	// show sends files: {name, mimeType, buffer}.
	async show(...files) {
		const chooser = this.page.waitForEvent("filechooser");
		await this.press(this.role("button", this.w.attach));
		await (await chooser).setFiles(files);
		const send = this.role("button", this.w.send);
		await until("it can be sent", () => send.isEnabled());
		await this.press(send);
	}

	conversation = async () => decodeURIComponent(new URL(this.page.url()).hash.split("/")[2] ?? "");
}

// wrongClock runs in the page before anything else does: its clock is off by so many ms.
function wrongClock(off) {
	const Right = Date;
	window.Date = class extends Right {
		constructor(...given) {
			if (given.length) super(...given);
			else super(Right.now() + off);
		}
		static now() { return Right.now() + off; }
	};
}
