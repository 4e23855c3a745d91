// What is on a screen, from its first line to its last, and what the database has.
import { ask, becomes } from "../stage.mjs";

// same waits until the open conversation of each of the members is on their screens as
// the database has it: every line, once, in order, word by word.
export async function same(...members) {
	for (const m of members) {
		await m.online();
		await becomes(`the screen of ${m.name}`, () => screenOf(m), await storedFor(m));
	}
}

// storedFor is the open conversation, as the database has it and the member may see it.
export async function storedFor(m) {
	const stored = await ask(`stored/${await m.conversation()}?as=${encodeURIComponent(m.name)}`, { method: "GET" });
	return stored.map(({ seq, sender, kind, text, edited, recalled }) => (recalled || !["text", "image"].includes(kind)
		? { seq, system: true }
		: { seq, who: sender === m.display ? m.w.you : sender, text: kind === "image" ? text.replaceAll(turns, "") : text, edited }));
}

// What turns the writing around is taken out of names that stand inside a sentence.
const turns = /[\u202a-\u202e\u2066-\u2069]/g;

// screenOf scrolls through the open conversation as somebody would who reads all of it.
// A line that is there twice is in the answer twice.
export const screenOf = (m) => m.log().evaluate(async (log, words) => {
	const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
	for (let n = 0, begun = false; n < 200 && !begun; n++) { // what is older comes with scrolling
		log.scrollTop = 0;
		await drawn();
		begun = log.textContent.includes(words.begins);
	}
	const lines = new Map();
	for (let end = false; !end;) {
		await drawn();
		end = log.scrollTop + log.clientHeight >= log.scrollHeight - 1;
		const now = new Map();
		for (const el of log.querySelectorAll("[data-seq]")) {
			const seq = el.dataset.seq;
			now.set(seq, [...(now.get(seq) ?? []), read(el)]);
		}
		for (const [seq, list] of now) if ((lines.get(seq)?.length ?? 0) < list.length) lines.set(seq, list);
		const shown = [...now.keys()];
		if (shown.some((seq, i) => i && BigInt(seq) < BigInt(shown[i - 1]))) return `not in order: ${shown}`;
		log.scrollTop += log.clientHeight / 2;
	}
	return [...lines].sort(([a], [b]) => (BigInt(a) < BigInt(b) ? -1 : 1)).flatMap(([, list]) => list);

	function read(el) {
		const { seq } = el.dataset;
		if (el.localName !== "article") return { seq, system: true };
		return {
			seq,
			who: el.querySelector("p").textContent,
			text: el.querySelector(".bubble-text")?.textContent ?? /\u2068([^\u2069]*)\u2069$/.exec(el.querySelector("img")?.alt)?.[1] ?? "",
			edited: [...el.querySelectorAll("span")].some((e) => e.textContent === words.edited),
		};
	}
}, { begins: m.w.begins, edited: m.w.edited });
