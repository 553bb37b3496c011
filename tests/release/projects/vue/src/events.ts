export interface Events {
  news: { title: string };
}
