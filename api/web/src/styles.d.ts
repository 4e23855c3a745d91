// Vite takes styles out of modules that import them.
declare module "*.css";
