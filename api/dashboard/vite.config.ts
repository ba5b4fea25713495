import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // `npm run dev` shows the page of the sources, with the API of a service on this machine.
  server: { proxy: { "/v1": process.env.GANJOBS_URL ?? "http://127.0.0.1:8000" } },
  build: { target: "es2022", chunkSizeWarningLimit: 900, sourcemap: true },
});
