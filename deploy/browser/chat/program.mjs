// A person's program that is not the page.
import { home } from "../stage.mjs";
import { password } from "./member.mjs";
import { png } from "./uploads.mjs";

// program signs in over HTTP.
export async function program(name) {
	const post = async (path, body, token) => {
		for (;;) {
			const answer = await fetch(home + path, { method: "POST", body: body instanceof Uint8Array ? body : JSON.stringify(body), headers: { "content-type": body instanceof Uint8Array ? "image/png" : "application/json", ...(token && { authorization: `Bearer ${token}` }) } });
			const said = await answer.json();
			if (answer.ok) return said;
			if (!said.error?.temporary) throw new Error(`${path}: ${JSON.stringify(said)}`);
			await new Promise((go) => { setTimeout(go, said.error.retryAfterMs ?? 200); });
		}
	};
	const { tokens } = await post("v1/signIn", { name, password, device: "program" });
	const me = {
		async call(method, params) {
			const answer = await post(`v1/${method}`, params, tokens.access);
			if (method === "createGroup") me.made = answer.conversation.id;
			return answer;
		},
		// say says lines 1 to n, one after the other.
		async say(conversation, n) {
			for (let i = 1; i <= n; i++) await me.call("sendMessage", { conversation, requestId: `line-${i}`, text: `line ${i}` });
		},
		async show(conversation, file, n) {
			const { ticket } = await post(`v1/images/${conversation}?name=${encodeURIComponent(file)}`, png(16 + n, 16), tokens.access);
			await me.call("sendMessage", { conversation, requestId: `picture-${n}`, image: ticket });
		},
	};
	return me;
}
