import type { Plugin, UserConfig } from "vite";

export declare const shared: UserConfig;
export declare function clean(): Plugin;
