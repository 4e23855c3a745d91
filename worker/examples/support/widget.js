// The chat of a shop, for any page: <script src="http://the.desk/widget.js"></script>. It
// keeps to itself: nothing of the page changes it, and it changes nothing of the page.
(() => {
	"use strict";
	const base = new URL(".", document.currentScript.src);
	const stored = (key, value) => {
		try {
			if (value === undefined) return JSON.parse(localStorage.getItem(`parley-support-${key}`));
			localStorage.setItem(`parley-support-${key}`, JSON.stringify(value));
		} catch { /* a page that may store nothing: the talk ends with it */ }
	};
	const random = () => [...crypto.getRandomValues(new Uint32Array(5))].map((n) => n.toString(36)).join("-");

	// ---- what it looks like ----
	const host = document.createElement("div");
	host.dataset.testid = "support";
	const root = host.attachShadow({ mode: "open" });
	const style = new CSSStyleSheet();
	style.replaceSync(`
		/* A page's rules for all its divs are not for this one. */
		:host { all: initial !important; display: block !important; position: fixed !important; right: 1rem !important; bottom: 1rem !important; z-index: 2147483647 !important; }
		#all { --bg: #f1f0f7; --panel: #fff; --line: #d8d5e6; --text: #1c1930; --soft: #5b5774; --accent: #5b4bdb; --on-accent: #fff; --mine: #e4e0ff; --bad: #b3261e;
			color: var(--text); font: 16px/1.45 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
		@media (prefers-color-scheme: dark) { #all { --bg: #12111a; --panel: #1b1a26; --line: #383550; --text: #e9e7f5; --soft: #aaa5c4; --accent: #b0a6ff; --on-accent: #17123d; --mine: #2e2863; --bad: #ffb4ab; } }
		:where(#all *) { box-sizing: border-box; font: inherit; color: inherit; }
		[hidden] { display: none !important; }
		#door { display: block; margin-left: auto; min-height: 3rem; padding: 0 1.2rem; border-radius: 1.5rem; border: 0; background: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer; box-shadow: 0 .2rem .8rem #0004; }
		#badge { display: inline-block; min-width: 1.5rem; margin-left: .5rem; border-radius: 1rem; background: var(--bad); color: var(--bg); font-size: .85rem; }
		#panel { display: flex; flex-direction: column; width: min(22rem, calc(100vw - 2rem)); height: min(30rem, calc(100dvh - 6rem)); margin-bottom: .6rem; background: var(--bg); border: 1px solid var(--line); border-radius: 1rem; overflow: hidden; box-shadow: 0 .4rem 2rem #0004; }
		#status { background: var(--panel); border-bottom: 1px solid var(--line); padding: .7rem 1rem; margin: 0; font-size: .9rem; color: var(--soft); overflow-wrap: anywhere; }
		#log { flex: 1; min-height: 0; overflow-y: auto; padding: .7rem 1rem; display: flex; flex-direction: column; gap: .4rem; }
		.line { max-width: 85%; align-self: flex-start; background: var(--panel); border: 1px solid var(--line); border-radius: .8rem; padding: .4rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
		.line.own { align-self: flex-end; background: var(--mine); }
		.line.unsent { border-style: dashed; color: var(--soft); }
		.line strong { font-weight: 400; display: block; font-size: .8rem; color: var(--soft); }
		form { display: flex; flex-wrap: wrap; gap: .5rem; padding: .7rem; background: var(--panel); border-top: 1px solid var(--line); }
		input { flex: 1; min-width: 0; min-height: 2.6rem; padding: 0 .8rem; border: 1px solid var(--line); border-radius: .7rem; background: var(--bg); }
		input::placeholder { color: var(--soft); opacity: 1; } #name { flex-basis: 100%; }
		form button { min-height: 2.6rem; padding: 0 1rem; border: 0; border-radius: .7rem; background: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer; }
		:focus-visible { outline: 3px solid var(--accent); outline-offset: 1px; }`);
	root.adoptedStyleSheets = [style];
	const make = (tag, attributes, ...children) => {
		const el = document.createElement(tag);
		for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
		el.append(...children);
		return el;
	};
	const badge = make("span", { id: "badge", "data-testid": "badge", hidden: "" });
	const door = make("button", { id: "door", type: "button", "aria-expanded": "false", "data-testid": "door" }, "Ask us", badge);
	const status = make("p", { id: "status", role: "status", "data-testid": "status" });
	const log = make("div", { id: "log", role: "log", "aria-label": "What was said", tabindex: "0", "data-testid": "widget-log" });
	const name = make("input", { id: "name", maxlength: "30", placeholder: "Your name, if you like", "aria-label": "Your name", autocomplete: "off", "data-testid": "visitor-name" });
	const text = make("input", { id: "text", maxlength: "300", placeholder: "Your question", "aria-label": "Your question", autocomplete: "off", "data-testid": "ask" });
	const form = make("form", {}, name, text, make("button", { "data-testid": "ask-send" }, "Send"));
	const panel = make("section", { id: "panel", "aria-label": "Ask us", "data-testid": "panel", hidden: "" }, status, log, form);
	root.append(make("div", { id: "all" }, panel, door));

	// ---- what is said ----
	const visitor = stored("visitor") ?? random();
	stored("visitor", visitor);
	let unsent = stored("unsent") ?? [], seen = stored("seen") ?? 0; // seen: the time of the newest line that was on the screen
	let talk = null, before = 0, agents = [], online = false;
	name.value = stored("name") ?? "";

	function draw() {
		const lines = (talk?.lines ?? []).map((l) => {
			const el = make("div", { class: l.by ? "line" : "line own", "data-testid": "line" });
			if (l.by) el.append(make("strong", {}, l.by));
			el.append(l.text); // a text: nobody's becomes markup
			return el;
		});
		const open = !panel.hidden, atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
		log.replaceChildren(...lines, ...unsent.map((l) => make("div", { class: "line own unsent", "data-testid": "line" }, l.text)));
		if (atEnd) log.scrollTop = log.scrollHeight;
		status.textContent = !online ? "Connecting… What you write is kept." : {
			waiting: agents.length ? `You are number ${before + 1} in the queue.` : "Nobody is at the desk now. Your question is kept: the answer will be here when you come back.",
			open: `${talk?.agent} is with you.`,
			closed: `${talk?.agent} has closed this talk. Write, and it is open again.`,
		}[talk?.state] ?? (agents.length ? "How can we help?" : "Nobody is at the desk now, but what you ask is kept and answered.");
		const fresh = (talk?.lines ?? []).filter((l) => l.by && l.at > seen);
		if (open && !document.hidden && fresh.length) stored("seen", seen = fresh.at(-1).at);
		badge.hidden = open || !fresh.length;
		badge.textContent = fresh.length;
		badge.setAttribute("aria-label", `${fresh.length} new`);
		name.hidden = talk !== null || unsent.length > 0;
	}

	function heard(f) {
		if (f.look) return void setTimeout(visit, Math.random() * 300); // not all in the same moment
		if (f.error !== undefined) {
			unsent = unsent.filter((l) => l.id !== f.id); // it would fail again
		}
		for (const t of f.talks ?? []) if (t.rev >= (talk?.rev ?? 0)) talk = t;
		if (f.before !== undefined) [agents, before] = [f.agents ?? [], f.before];
		unsent = unsent.filter((l) => !talk?.lines.some((m) => !m.by && m.id === l.id));
		stored("unsent", unsent);
		draw();
	}
	const visit = () => send({ type: "visit", visitor });
	const say = (l) => send({ type: "say", id: l.id, text: l.text, name: stored("name") ?? "" });

	form.onsubmit = (e) => {
		e.preventDefault();
		if (!text.value.trim()) return;
		const l = { id: random(), text: text.value.trim() };
		text.value = "";
		stored("name", name.value.trim());
		unsent.push(l);
		stored("unsent", unsent);
		say(l);
		draw();
		log.scrollTop = log.scrollHeight;
	};
	door.onclick = () => {
		panel.hidden = !panel.hidden;
		door.setAttribute("aria-expanded", String(!panel.hidden));
		stored("open", !panel.hidden);
		draw();
		log.scrollTop = log.scrollHeight;
		if (!panel.hidden) text.focus();
	};
	panel.onkeydown = (e) => {
		if (e.key !== "Escape") return;
		door.onclick();
		door.focus();
	};
	addEventListener("visibilitychange", draw);

	// ---- the connection: later and later, spread in time, to any gateway ----
	let ws, turn = Math.floor(Math.random() * 1000), failures = 0, gateways = [];
	async function connect() {
		try {
			const answer = await fetch(new URL("gateways", base), { cache: "no-store", signal: AbortSignal.timeout(3000) });
			gateways = (await answer.json()).map((address) => {
				const url = new URL(address);
				if (/^(localhost|127\..*|0\.0\.0\.0|\[::1?\])$/.test(url.hostname)) url.hostname = base.hostname;
				if (location.protocol === "https:") url.protocol = "wss:";
				return url;
			});
		} catch { /* those known before still count */ }
		if (!gateways.length) return lost();
		const socket = ws = new WebSocket(gateways[turn++ % gateways.length]);
		const patience = setTimeout(() => socket.readyState === WebSocket.CONNECTING && socket.close(), 6000);
		socket.onopen = () => {
			failures = 0;
			online = true;
			visit();
			for (const l of unsent) say(l); // with the same id: said once
		};
		socket.onmessage = (e) => heard(JSON.parse(e.data));
		socket.onclose = (e) => {
			clearTimeout(patience);
			lost(e);
		};
	}
	// A gateway that sends its clients away (1012) says in the reason how many milliseconds this
	// one shall wait; from 4500 on the server does not want us back.
	function lost(e) {
		online = false;
		draw();
		if (e?.code >= 4500 && e.code < 5000) return;
		const asked = e?.code === 1012 ? Number(/\d+/.exec(e.reason)?.[0] ?? 0) : 0;
		setTimeout(connect, Math.min(asked, 60000) + Math.random() * Math.min(10000, 300 * 2 ** Math.min(failures++, 10)));
	}
	function send(what) {
		if (ws?.readyState === WebSocket.OPEN) ws.send(JSON.stringify(what));
	}
	setInterval(() => {
		if (talk?.state !== "open") visit(); // who is at the desk
		for (const l of unsent) say(l); // nobody could keep it: the same id again is said once
	}, 20000);

	const begin = () => {
		document.body.append(host);
		if (stored("open")) door.onclick();
		draw();
		connect();
	};
	if (document.body) begin();
	else addEventListener("DOMContentLoaded", begin);
})();
