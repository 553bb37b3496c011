import { connect } from "sockgate";

interface Events {
  news: { title: string };
}

self.onmessage = ({ data }: MessageEvent<string>) => {
  const options = new URLSearchParams(data);
  const rt = connect<Events>({
    url: options.get("url") ?? "",
    token: options.get("token"),
    tokenUrl: null,
  });
  rt.onstate = (text) => self.postMessage({ id: "state", text });
  rt.on("news", (news) => self.postMessage({ id: "news", text: news.title }));
  rt.connect();
};
