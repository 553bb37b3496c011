/* wsload: a load generator for push servers on loopback, independent of their message format.
 *
 * It opens N connections, each with the handshake of --hello, publishes messages with a
 * marker "@@<ns>;" and counts that marker in everything that a server sends. So it works with
 * WebSocket, SockJS, Socket.IO and HTTP streaming, if nothing is compressed (for that,
 * --count-frames). It prints one JSON line: deliveries, latency, the servers' CPU and memory, and
 * the generator's own share of its core. That share must stay below 1, or the generator was the
 * limit.
 *
 * Connecting
 *   --port P            of the server
 *   --conns N           how many connections; --ramp N of them at most in flight (64)
 *   --hello H           the request of a connection
 *   --ready R           text whose arrival means that the connection is open
 *   --then T --ready2 R a frame to send next, and the text that answers it; up to four such pairs
 *   --tokens FILE       one token a line
 *     In H, T, channels and templates: %d the connection's number, %D the same with six digits,
 *     %T its token, %P a number of this process alone, \r \n \\ and \xHH as in C.
 *   --http --send S     no WebSocket: H is sent again after each complete response, and a
 *                       frame goes out as the request S, in which %L is the length of its body %F
 *   --heartbeat A B     answer the text frame A with the text frame B
 *   --hold S            then only listen, for so many seconds
 *
 * Publishing
 *   --redis P | --http-publish P --http-path PATH     where to
 *   --channel C --template M     M is the message, with %s for the marker and its filling
 *   --word W ...        in place of PUBLISH, another command of Redis, word by word
 *   --body N            bytes of marker and filling
 *   --fanout | --private         all receive each message, or one (%d in the channel)
 *   --rounds N          messages; in bursts (--burst N, all of one delivered before the next), or
 *                       --window N of them under way (private), or --rate R a second; and for
 *                       --seconds S at most
 *   --broadcast C M S   beside it, one message for all on channel C every S seconds
 *   --slow P            so many percent of all connections stop reading once they are open
 *   --count-frames      count WebSocket data frames in place of markers
 *
 * Measuring: --pid P,P of the servers, --redis-pid P of Redis.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_STEPS 4
#define MAX_PIDS 64
#define MAX_WORDS 32
#define TAIL 64
#define READ_BYTES (1 << 18)
#define SECOND 1000000000ull
#define PATIENCE (10 * SECOND) /* without any progress */

/* ---- options ---- */

static int port, nconn = 100, ramp = 64, hold_s, over_http;
static const char *hello, *ready[MAX_STEPS + 1], *then_[MAX_STEPS], *send_request;
static const char *ask, *answer;
static int nthen, nready;
static char **tokens;
static int ntokens;

static int redis_port, publish_port, rounds, burst = 1, window, private_mode, body = 64;
static const char *channel = "chan", *publish_path = "/", *template = "%s";
static const char *broadcast_channel, *broadcast_template;
static const char *words[MAX_WORDS];
static int nwords;
static double rate, broadcast_every_s, publish_s;
static int slow_percent, count_frames;

static int pids[MAX_PIDS], npids, redis_pid;

/* ---- utilities ---- */

static void die(const char *what) {
  fprintf(stderr, "wsload: %s (%s)\n", what, strerror(errno));
  exit(2);
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * SECOND + t.tv_nsec;
}

static double cpu_of(int pid) { /* seconds, to the nanosecond, unlike /proc's ticks */
  clockid_t clock;
  struct timespec t;
  if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) return 0;
  return t.tv_sec + t.tv_nsec / 1e9;
}

static long pss_kib_of(int pid) {
  char path[64], line[256];
  long kib = 0;
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "Pss: %ld", &kib) == 1) break;
  fclose(file);
  return kib;
}

static double cpu_of_all(void) {
  double sum = 0;
  for (int i = 0; i < npids; i++) sum += cpu_of(pids[i]);
  return sum;
}

static double cpu_of_redis(void) { return redis_pid ? cpu_of(redis_pid) : 0; }

static long pss_kib_of_all(void) {
  long sum = 0;
  for (int i = 0; i < npids; i++) sum += pss_kib_of(pids[i]);
  return sum;
}

typedef struct {
  char *at;
  size_t size, room;
} Text;

static void add(Text *text, const char *bytes, size_t n) {
  if (text->size + n + 1 > text->room) {
    text->room = (text->size + n + 1) * 2;
    text->at = realloc(text->at, text->room);
    if (!text->at) die("memory");
  }
  memcpy(text->at + text->size, bytes, n);
  text->size += n;
  text->at[text->size] = 0;
}

static void addf(Text *text, const char *format, ...) {
  char small[1024];
  va_list args;
  va_start(args, format);
  add(text, small, vsnprintf(small, sizeof small, format, args));
  va_end(args);
}

/* Write a pattern for a connection; %s, %F and %L stand for the given filling. */
static void expand(Text *out, const char *pattern, int number, const Text *filling) {
  for (const char *p = pattern; *p; p++) {
    const char *token = ntokens ? tokens[number % ntokens] : "";
    if (*p == '%' && p[1] == 'd') addf(out, "%d", number), p++;
    else if (*p == '%' && p[1] == 'D') addf(out, "%06d", number), p++;
    else if (*p == '%' && p[1] == 'P') addf(out, "%d", (int)getpid()), p++;
    else if (*p == '%' && p[1] == 'T') add(out, token, strlen(token)), p++;
    else if (*p == '%' && (p[1] == 's' || p[1] == 'F')) add(out, filling->at, filling->size), p++;
    else if (*p == '%' && p[1] == 'L') addf(out, "%zu", filling->size), p++;
    else if (*p == '\\' && p[1] == 'r') add(out, "\r", 1), p++;
    else if (*p == '\\' && p[1] == 'n') add(out, "\n", 1), p++;
    else if (*p == '\\' && p[1] == '\\') add(out, "\\", 1), p++;
    else if (*p == '\\' && p[1] == 'x') {
      char digits[3] = {p[2], p[3], 0}, byte = (char)strtol(digits, 0, 16);
      add(out, &byte, 1), p += 3;
    } else add(out, p, 1);
  }
}

static void put(int fd, const char *bytes, size_t n) {
  while (n) {
    ssize_t written = send(fd, bytes, n, MSG_NOSIGNAL);
    if (written < 0 && errno != EINTR) return; /* its reader will notice */
    if (written > 0) bytes += written, n -= written;
  }
}

static int dial(int to, int small_buffer) {
  /* Spread over 127.0.0.x, so that the ports of one address do not run out. */
  static uint32_t source = 2;
  static int used;
  int one = 1, tiny = 4096, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (fd < 0) die("socket");
  if (++used % 20000 == 0) source++;
  address.sin_addr.s_addr = htonl(0x7f000000 | source);
  setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
  if (small_buffer) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny);
  if (bind(fd, (void *)&address, sizeof address)) die("bind");
  address.sin_port = htons(to);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (void *)&address, sizeof address)) return close(fd), -1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* ---- connections ---- */

typedef enum { HTTP_LINE, HTTP_BODY, HTTP_CHUNK_SIZE, HTTP_CHUNK, HTTP_TRAILER } HttpState;

typedef struct {
  int fd, number, stage, is_slow, is_upgraded;
  char tail[TAIL]; /* a marker that was cut in two */
  int ntail;
  /* WebSocket: the header of the frame that is being read, and what is left of it */
  unsigned char head[14], first[4];
  int nhead;
  uint64_t size, left;
  /* HTTP */
  HttpState http;
  char line[96];
  int nline, is_chunked;
} Conn;

static Conn *conns;
static int epoll_fd, nopen, nrefused, ndead, nslow, deflates, is_measuring;
static uint64_t last_published;
static long delivered, broadcasts_delivered, nframes;
static uint32_t *latencies;
static long nlatencies;
#define MAX_LATENCIES 20000000

static void lose(Conn *conn) {
  epoll_ctl(epoll_fd, EPOLL_CTL_DEL, conn->fd, 0);
  close(conn->fd);
  conn->fd = -1;
  if (conn->stage <= nthen) nrefused++;
  else ndead++;
}

static void send_frame(int fd, const char *text, size_t n) {
  /* Masked with a zero key, so that the text travels as it is. */
  char head[16];
  int k = 0;
  head[k++] = (char)0x81;
  if (n < 126) head[k++] = (char)(0x80 | n);
  else head[k++] = (char)(0x80 | 126), head[k++] = (char)(n >> 8), head[k++] = (char)(n & 255);
  memset(head + k, 0, 4);
  Text out = {0};
  add(&out, head, k + 4);
  add(&out, text, n);
  put(fd, out.at, out.size);
  free(out.at);
}

static void send_over_http(Conn *conn, Text *frame) {
  static int fd = -1;
  char reply[4096];
  Text request = {0};
  if (fd < 0) fd = dial(port, 0);
  expand(&request, send_request, conn->number, frame);
  put(fd, request.at, request.size);
  if (recv(fd, reply, sizeof reply, 0) <= 0) close(fd), fd = -1;
  free(request.at);
}

static void say(Conn *conn, const char *pattern) {
  Text frame = {0};
  expand(&frame, pattern, conn->number, &frame);
  if (over_http) send_over_http(conn, &frame);
  else send_frame(conn->fd, frame.at, frame.size);
  free(frame.at);
}

static void greet(Conn *conn) {
  Text text = {0};
  expand(&text, hello, conn->number, &text);
  put(conn->fd, text.at, text.size);
  free(text.at);
}

static void enter_next_stage(Conn *conn) {
  if (conn->stage < nthen) say(conn, then_[conn->stage]);
  if (++conn->stage <= nthen) return;
  nopen++;
  if (!conn->is_slow) return;
  nslow++; /* it does not read any more */
  epoll_ctl(epoll_fd, EPOLL_CTL_DEL, conn->fd, 0);
}

static void note_latency(uint64_t sent) {
  if (sent && nlatencies < MAX_LATENCIES)
    latencies[nlatencies++] = (uint32_t)((now() - sent) / 1000);
}

/* Count markers: "@@<ns>;", or "@@<ns>b;" for a broadcast beside the others. */
static void scan(Conn *conn, char *bytes, long n) {
  char *end = bytes + n, *p = bytes;
  while ((p = memmem(p, end - p, "@@", 2))) {
    while (p + 2 < end && p[2] == '@') p++; /* before it, a length of 64 is an "@" too */
    char *semicolon = memchr(p + 2, ';', end - p - 2);
    if (!semicolon) break;
    if (semicolon[-1] == 'b') broadcasts_delivered++;
    else delivered++, note_latency(strtoull(p + 2, 0, 10));
    p = semicolon + 1;
  }
  conn->ntail = 0;
  if (!p && n && end[-1] == '@') p = end - 1;
  if (p && end - p < TAIL) memcpy(conn->tail, p, conn->ntail = end - p);
}

static void end_frame(Conn *conn) {
  int opcode = conn->head[0] & 15, n = (int)conn->size;
  if (opcode == 9) put(conn->fd, "\x8a\x80\0\0\0", 6);
  if (opcode == 1 && ask && n == (int)strlen(ask) && n <= 4 && !memcmp(conn->first, ask, n))
    send_frame(conn->fd, answer, strlen(answer));
  if (opcode > 2 || !count_frames) return;
  nframes++;
  if (conn->stage <= nthen) enter_next_stage(conn);
  else if (is_measuring) delivered++, note_latency(last_published);
}

static int read_frame_head(Conn *conn, unsigned char byte) {
  unsigned char *head = conn->head;
  head[conn->nhead++] = byte;
  int n = conn->nhead, width = n < 2 ? 0 : head[1] == 126 ? 2 : head[1] == 127 ? 8 : 0;
  if (n < 2 || n < 2 + width) return 0;
  conn->size = width ? 0 : head[1];
  for (int i = 0; i < width; i++) conn->size = conn->size << 8 | head[2 + i];
  conn->left = conn->size;
  return 1;
}

/* Walk over WebSocket frames, to answer pings and heartbeats, and to count. */
static void walk_frames(Conn *conn, const unsigned char *p, long n) {
  while (n > 0) {
    if (!conn->left) {
      int complete = read_frame_head(conn, *p++);
      n--;
      if (!complete || conn->left) continue;
    } else {
      uint64_t done = conn->size - conn->left, step = conn->left < (uint64_t)n ? conn->left : (uint64_t)n;
      for (uint64_t i = 0; i < step && done + i < sizeof conn->first; i++) conn->first[done + i] = p[i];
      conn->left -= step, p += step, n -= step;
    }
    if (!conn->left) end_frame(conn), conn->nhead = 0;
  }
}

/* One line of an HTTP response: of its head, the size of a chunk, or what follows the last one. */
static void end_line(Conn *conn) {
  char *line = conn->line;
  if (conn->http == HTTP_CHUNK_SIZE) {
    if (!conn->nline) return; /* the end of the chunk before */
    conn->left = strtoull(line, 0, 16);
    conn->http = conn->left ? HTTP_CHUNK : HTTP_TRAILER;
  } else if (conn->http == HTTP_LINE && conn->nline) {
    if (!strncasecmp(line, "content-length:", 15)) conn->left = strtoull(line + 15, 0, 10);
    if (!strncasecmp(line, "transfer-encoding: chunked", 26)) conn->is_chunked = 1;
  } else if (conn->http == HTTP_LINE) {
    conn->http = conn->is_chunked ? HTTP_CHUNK_SIZE : HTTP_BODY;
    if (!conn->is_chunked && !conn->left) conn->http = HTTP_LINE, greet(conn);
  } else if (!conn->nline) {
    conn->http = HTTP_LINE, conn->is_chunked = 0;
    greet(conn);
  }
}

/* Parse HTTP responses, and send the request again when one is complete. */
static void walk_responses(Conn *conn, const char *p, long n) {
  while (n > 0) {
    if (conn->http == HTTP_BODY || conn->http == HTTP_CHUNK) {
      uint64_t step = conn->left < (uint64_t)n ? conn->left : (uint64_t)n;
      conn->left -= step, p += step, n -= step;
      if (conn->left) continue;
      if (conn->http == HTTP_BODY) greet(conn);
      conn->http = conn->http == HTTP_BODY ? HTTP_LINE : HTTP_CHUNK_SIZE;
    } else if (n--, *p++ == '\n') {
      conn->line[conn->nline] = 0;
      end_line(conn);
      conn->nline = 0;
    } else if (p[-1] != '\r' && conn->nline < (int)sizeof conn->line - 1) {
      conn->line[conn->nline++] = p[-1];
    }
  }
}

/* The first response of a WebSocket is HTTP. Returns where its frames begin. */
static char *skip_upgrade(Conn *conn, char *bytes, char *end) {
  if (conn->is_upgraded) return bytes;
  char *blank = memmem(bytes, end - bytes, "\r\n\r\n", 4);
  if (!blank) return end;
  conn->is_upgraded = 1;
  if (memmem(bytes, blank - bytes, "permessage-deflate", 18)) deflates++;
  return blank + 4;
}

static void read_stages(Conn *conn, const char *bytes, long n) {
  while (conn->stage <= nthen) {
    const char *wanted = ready[conn->stage];
    if (!memmem(bytes, n, wanted, strlen(wanted))) return;
    enter_next_stage(conn);
    if (conn->stage <= nthen && *ready[conn->stage]) return;
  }
}

static void on_readable(Conn *conn) {
  static char buffer[READ_BYTES + TAIL];
  for (;;) {
    int kept = conn->ntail;
    memcpy(buffer, conn->tail, kept);
    ssize_t n = recv(conn->fd, buffer + kept, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) { lose(conn); return; }
    char *fresh = buffer + kept, *end = fresh + n;
    if (over_http) walk_responses(conn, fresh, n);
    else fresh = skip_upgrade(conn, fresh, end), walk_frames(conn, (unsigned char *)fresh, end - fresh);
    if (count_frames) { if (n < READ_BYTES) return; else continue; }
    if (conn->stage <= nthen) read_stages(conn, buffer, kept + n);
    scan(conn, buffer, kept + n);
    if (n < READ_BYTES || conn->fd < 0) return;
  }
}

/* ---- publishing ---- */

#define MAX_BODY (1 << 20)
static char letters[MAX_BODY]; /* what fills a message: it compresses about as well as text */

static void fill_letters(void) {
  uint32_t random = 1;
  for (int i = 0; i < MAX_BODY; i++) {
    random = random * 1664525 + 1013904223;
    letters[i] = "etaoinshrdlu etaoin rdlucmfwygpb"[random >> 27];
  }
}

static int publisher = -1;

static void drain_publisher(void) {
  char scrap[65536];
  while (recv(publisher, scrap, sizeof scrap, MSG_DONTWAIT) > 0) {}
}

static int spin(int timeout_ms) {
  struct epoll_event events[1024];
  int n = epoll_wait(epoll_fd, events, 1024, timeout_ms);
  for (int i = 0; i < n; i++) {
    if (!events[i].data.ptr) drain_publisher();
    else if (((Conn *)events[i].data.ptr)->fd >= 0) on_readable(events[i].data.ptr);
  }
  return n;
}

static void watch(int fd, Conn *conn) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

static void write_filling(Text *filling, const char *kind, uint64_t at) {
  addf(filling, "@@%llu%s;", (unsigned long long)at, kind);
  if (filling->size < (size_t)body) add(filling, letters, body - filling->size);
}

static void compose(Text *out, const char *to, const char *message, int number, const char *kind, uint64_t at) {
  static Text filling, name, payload, path;
  filling.size = name.size = payload.size = path.size = 0;
  write_filling(&filling, kind, at);
  expand(&name, to, number, &filling);
  expand(&payload, message, number, &filling);
  if (redis_port) {
    addf(out, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%zu\r\n", name.size, name.at, payload.size);
    add(out, payload.at, payload.size);
    add(out, "\r\n", 2);
    return;
  }
  expand(&path, publish_path, number, &name);
  addf(out, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", path.at, payload.size);
  add(out, payload.at, payload.size);
}

static void compose_command(Text *out, int number, uint64_t at) {
  static Text filling, word;
  filling.size = 0;
  write_filling(&filling, "", at);
  addf(out, "*%d\r\n", nwords);
  for (int i = 0; i < nwords; i++) {
    word.size = 0;
    expand(&word, words[i], number, &filling);
    addf(out, "$%zu\r\n", word.size);
    add(out, word.at, word.size);
    add(out, "\r\n", 2);
  }
}

/* Publish n messages in one write, from the given number on. */
static void publish(long from, int n, int is_marked) {
  static Text out;
  out.size = 0;
  last_published = now();
  for (int i = 0; i < n; i++) {
    int number = (int)((from + i) % nconn);
    uint64_t at = is_marked ? now() : 0;
    if (nwords) compose_command(&out, number, at);
    else compose(&out, channel, template, number, "", at);
  }
  put(publisher, out.at, out.size);
}

static void publish_broadcast(void) {
  Text out = {0};
  compose(&out, broadcast_channel, broadcast_template, 0, "b", now());
  put(publisher, out.at, out.size);
  free(out.at);
}

/* ---- the phases ---- */

static Text report;
static long pss_at_start;

static void open_one(int number) {
  Conn *conn = &conns[number];
  conn->number = number;
  conn->is_slow = slow_percent && number % 100 < slow_percent;
  conn->fd = dial(port, conn->is_slow);
  if (conn->fd < 0) { nrefused++; return; }
  greet(conn);
  watch(conn->fd, conn);
}

static void connect_all(void) {
  pss_at_start = pss_kib_of_all();
  double cpu_before = cpu_of_all(), own = (double)clock() / CLOCKS_PER_SEC, redis_cpu = cpu_of_redis();
  uint64_t begun = now(), progress = begun;
  int opened = 0, known = 0;
  while (nopen + nrefused < nconn && now() - progress < PATIENCE) {
    while (opened < nconn && opened - nopen - nrefused < ramp) open_one(opened++);
    spin(100);
    if (nopen + nrefused > known) known = nopen + nrefused, progress = now();
  }
  double seconds = (now() - begun) / 1e9, cpu = cpu_of_all() - cpu_before;
  own = (double)clock() / CLOCKS_PER_SEC - own;
  usleep(300000);
  while (spin(0) > 0) {}
  long pss = pss_kib_of_all();
  addf(&report, "{\"conns\": %d, \"open\": %d, \"refused\": %d, \"unanswered\": %d, \"deflated\": %d, ", nconn, nopen, nrefused, nconn - nopen - nrefused, deflates);
  addf(&report, "\"connect_s\": %.4f, \"connect_cpu_us\": %.2f, \"connect_generator_share\": %.2f, ", seconds, cpu * 1e6 / (nopen ? nopen : 1), own / seconds);
  addf(&report, "\"connect_redis_cpu_us\": %.2f, ", (cpu_of_redis() - redis_cpu) * 1e6 / (nopen ? nopen : 1));
  addf(&report, "\"pss_before_kib\": %ld, \"kib_per_conn\": %.3f", pss_at_start, (double)(pss - pss_at_start) / (nopen ? nopen : 1));
}

static void hold(void) {
  uint64_t begun = now();
  double cpu = cpu_of_all(), redis_cpu = cpu_of_redis();
  while (now() - begun < hold_s * SECOND) spin(100);
  double seconds = (now() - begun) / 1e9;
  cpu = cpu_of_all() - cpu, redis_cpu = cpu_of_redis() - redis_cpu;
  addf(&report, ", \"hold_redis_us_per_conn_minute\": %.3f", redis_cpu * 1e6 / (nopen ? nopen : 1) / (seconds / 60));
  addf(&report, ", \"hold_s\": %.2f, \"hold_core_share\": %.5f, \"lost_in_hold\": %d", seconds, cpu / seconds, ndead);
  addf(&report, ", \"held_kib_per_conn\": %.3f", (double)(pss_kib_of_all() - pss_at_start) / (nopen ? nopen : 1));
}

static long receivers(void) { return private_mode ? 1 : nopen - ndead - nslow; }

static void warm_up(void) {
  long missing = 0;
  for (int i = 0; i < 5; i++) {
    long wanted = delivered + receivers();
    uint64_t limit = now() + 3 * SECOND;
    is_measuring = 1;
    publish(i * 7, 1, 0);
    while (delivered < wanted && now() < limit) spin(10);
    if (delivered < wanted) missing += wanted - delivered;
  }
  addf(&report, ", \"missing_in_warm_up\": %ld", missing);
  delivered = nlatencies = broadcasts_delivered = 0;
}

static int is_over(uint64_t begun) { return publish_s > 0 && (now() - begun) / 1e9 >= publish_s; }

/* How many messages may be sent now. */
static long allowance(long sent, uint64_t begun) {
  long left = rounds - sent, each = receivers();
  if (is_over(begun)) return 0;
  if (rate > 0) {
    long due = (long)((now() - begun) / 1e9 * rate) + 1 - sent;
    return due < 0 ? 0 : due < left ? due : left;
  }
  if (window) {
    long free_places = delivered / each + window - sent;
    return free_places < 0 ? 0 : free_places < left ? free_places : left;
  }
  if (delivered < sent * each) return 0;
  return burst < left ? burst : left;
}

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static uint32_t quantile(double q) { return nlatencies ? latencies[(long)((nlatencies - 1) * q)] : 0; }

static void measure(void) {
  double cpu = cpu_of_all(), redis_cpu = cpu_of_redis(), own = (double)clock() / CLOCKS_PER_SEC;
  uint64_t begun = now(), progress = begun, next_broadcast = begun;
  long sent = 0, known = 0, broadcasts = 0;
  while (((sent < rounds && !is_over(begun)) || delivered < sent * receivers()) && now() - progress < PATIENCE) {
    if (broadcast_channel && now() >= next_broadcast && !is_over(begun))
      publish_broadcast(), broadcasts++, next_broadcast += broadcast_every_s * SECOND;
    long n = allowance(sent, begun);
    if (n > 256) n = 256;
    if (n) publish(sent, (int)n, 1), sent += n;
    spin(rate > 0 && sent < rounds ? 1 : n && window ? 0 : 20);
    if (delivered > known || n) known = delivered, progress = now();
  }
  uint64_t idle = delivered < sent * receivers() ? now() - progress : 0;
  double seconds = (now() - begun - idle) / 1e9, per = delivered ? 1e6 / delivered : 0;
  cpu = cpu_of_all() - cpu, own = (double)clock() / CLOCKS_PER_SEC - own;
  qsort(latencies, nlatencies, sizeof *latencies, compare);
  addf(&report, ", \"mode\": \"%s\", \"published\": %ld, \"delivered\": %ld, \"expected\": %ld", private_mode ? "private" : "fanout", sent, delivered, sent * receivers());
  addf(&report, ", \"seconds\": %.4f, \"deliveries_per_s\": %.1f, \"cpu_us_per_delivery\": %.4f, \"core_share\": %.4f, \"generator_share\": %.3f", seconds, delivered / seconds, cpu * per, cpu / seconds, own / seconds);
  if (redis_pid) addf(&report, ", \"redis_cpu_us_per_publish\": %.3f", (cpu_of_redis() - redis_cpu) * 1e6 / (sent + broadcasts));
  addf(&report, ", \"p50_us\": %u, \"p99_us\": %u, \"p999_us\": %u, \"max_us\": %u", quantile(.5), quantile(.99), quantile(.999), quantile(1));
  addf(&report, ", \"broadcasts\": %ld, \"broadcasts_delivered\": %ld, \"slow\": %d, \"lost\": %d, \"pss_after_kib\": %ld", broadcasts, broadcasts_delivered, nslow, ndead, pss_kib_of_all());
}

static void run(void) {
  publisher = dial(redis_port ? redis_port : publish_port, 0);
  if (publisher < 0) die("publisher cannot connect");
  watch(publisher, 0);
  latencies = malloc(sizeof *latencies * MAX_LATENCIES);
  warm_up();
  measure();
}

/* ---- the command line ---- */

static void read_tokens(const char *path) {
  FILE *file = fopen(path, "r");
  char *line = 0;
  size_t room = 0, slots = 0;
  ssize_t n;
  if (!file) die("tokens");
  while ((n = getline(&line, &room, file)) > 0) {
    if (line[n - 1] == '\n') line[n - 1] = 0;
    if ((size_t)ntokens == slots) tokens = realloc(tokens, sizeof *tokens * (slots = slots * 2 + 1024));
    tokens[ntokens++] = strdup(line);
  }
  fclose(file);
}

static void read_pids(char *list) {
  for (char *p = strtok(list, ","); p && npids < MAX_PIDS; p = strtok(0, ",")) pids[npids++] = atoi(p);
}

static void read_options(char **arg) {
  while (*++arg) {
#define IS(name) (!strcmp(*arg, name))
#define VALUE (arg[1] ? *++arg : "")
    if (IS("--port")) port = atoi(VALUE);
    else if (IS("--conns")) nconn = atoi(VALUE);
    else if (IS("--ramp")) ramp = atoi(VALUE);
    else if (IS("--hello")) hello = VALUE;
    else if (IS("--ready")) ready[0] = VALUE;
    else if (IS("--then") && nthen < MAX_STEPS) then_[nthen++] = VALUE;
    else if (IS("--ready2") && nready < MAX_STEPS) ready[++nready] = VALUE;
    else if (IS("--tokens")) read_tokens(VALUE);
    else if (IS("--http")) over_http = 1;
    else if (IS("--send")) send_request = VALUE;
    else if (IS("--heartbeat")) ask = VALUE, answer = VALUE;
    else if (IS("--hold")) hold_s = atoi(VALUE);
    else if (IS("--redis")) redis_port = atoi(VALUE);
    else if (IS("--http-publish")) publish_port = atoi(VALUE);
    else if (IS("--http-path")) publish_path = VALUE;
    else if (IS("--channel")) channel = VALUE;
    else if (IS("--template")) template = VALUE;
    else if (IS("--word") && nwords < MAX_WORDS) words[nwords++] = VALUE;
    else if (IS("--body")) body = atoi(VALUE), body = body < MAX_BODY ? body : MAX_BODY;
    else if (IS("--fanout")) private_mode = 0;
    else if (IS("--private")) private_mode = 1;
    else if (IS("--rounds")) rounds = atoi(VALUE);
    else if (IS("--burst")) burst = atoi(VALUE);
    else if (IS("--window")) window = atoi(VALUE);
    else if (IS("--rate")) rate = atof(VALUE);
    else if (IS("--seconds")) publish_s = atof(VALUE);
    else if (IS("--broadcast")) broadcast_channel = VALUE, broadcast_template = VALUE, broadcast_every_s = atof(VALUE);
    else if (IS("--slow")) slow_percent = atoi(VALUE);
    else if (IS("--count-frames")) count_frames = 1;
    else if (IS("--pid")) read_pids(strdup(VALUE));
    else if (IS("--redis-pid")) redis_pid = atoi(VALUE);
    else fprintf(stderr, "wsload: unknown option %s\n", *arg), exit(2);
  }
  for (int i = 0; i <= nthen; i++) if (!ready[i]) ready[i] = "";
  if (!port || !hello) fprintf(stderr, "wsload: --port and --hello are needed\n"), exit(2);
}

int main(int argc, char **argv) {
  struct rlimit limit;
  (void)argc;
  read_options(argv);
  signal(SIGPIPE, SIG_IGN);
  fill_letters();
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  conns = calloc(nconn, sizeof *conns);
  connect_all();
  if (hold_s) hold();
  if (rounds && nopen) run();
  printf("%s}\n", report.at);
  return 0;
}
