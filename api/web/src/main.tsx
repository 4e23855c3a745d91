import { Client } from "@parley/sdk";
import { start } from "./app.tsx";

const root = document.getElementById("page");
if (root) start(new Client({ name: "parley-web" }), root);
