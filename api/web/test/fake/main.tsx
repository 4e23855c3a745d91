import { start } from "../../src/app.tsx";
import { FakeClient } from "./client.ts";

// ?as=NAME is signed in already, ?talks=N has that many conversations.
const asked = new URLSearchParams(location.search);
const client = new FakeClient({ as: asked.get("as") ?? "", talks: Number(asked.get("talks") ?? 0) });
(window as unknown as { fake: FakeClient }).fake = client;
const root = document.getElementById("page");
if (root) void start(client, root);
