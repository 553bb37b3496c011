const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });

worker.onmessage = ({ data }: MessageEvent<{ id: string; text: string }>) => {
  document.getElementById(data.id)!.textContent = data.text;
};
worker.postMessage(location.hash.slice(1));
