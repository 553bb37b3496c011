/* floor: the cost of the kernel. A WebSocket server that does only what is necessary.
 *
 * It accepts every handshake blindly, subscribes to Redis, builds one frame for a publication and
 * calls send() for every connection. No origin, no token, no session, no limit, no outbox, no
 * heartbeat: no server with a socket for each browser can cost less.
 *
 *   floor PORT REDIS_PORT       channels: "floor.all", and "floor.<number>" of GET /<number>
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FDS 100000
#define REDIS_BYTES (1 << 21)

/* RFC 6455 section 1.3: the answer to its example key, which is the one that the generator sends. */
static const char switching[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x01o";

static int fd_of_number[MAX_FDS], number_of_fd[MAX_FDS]; /* both count from 1 */
static int open_fds[MAX_FDS], place_of_fd[MAX_FDS], nopen;
static int epoll_fd, listener, redis;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

static void send_whole(int fd, const char *bytes, size_t n) {
  while (n) {
    ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
    if (sent < 0) return;
    bytes += sent, n -= sent;
  }
}

static void forget(int fd) {
  fd_of_number[number_of_fd[fd]] = 0;
  number_of_fd[fd] = 0;
  if (place_of_fd[fd]) {
    int last = open_fds[--nopen];
    open_fds[place_of_fd[fd] - 1] = last;
    place_of_fd[last] = place_of_fd[fd];
    place_of_fd[fd] = 0;
  }
  close(fd);
}

static void on_client(int fd) {
  char text[8192];
  ssize_t n = recv(fd, text, sizeof text - 1, 0);
  if (n <= 0) { forget(fd); return; }
  text[n] = 0;
  if (place_of_fd[fd] || strncmp(text, "GET /", 5)) return;
  int number = atoi(text + 5) + 1;
  if (number >= MAX_FDS) { forget(fd); return; }
  send_whole(fd, switching, sizeof switching - 1);
  number_of_fd[fd] = number;
  fd_of_number[number] = fd;
  open_fds[nopen++] = fd;
  place_of_fd[fd] = nopen;
}

static void on_listener(void) {
  int one = 1, fd = accept4(listener, 0, 0, SOCK_CLOEXEC);
  if (fd < 0 || fd >= MAX_FDS) { if (fd >= 0) close(fd); return; }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  watch(fd);
}

static void deliver(const char *channel, const char *payload, size_t size) {
  static char frame[REDIS_BYTES + 10];
  size_t head = 2;
  frame[0] = (char)0x81;
  if (size < 126) frame[1] = (char)size;
  else if (size < 65536) frame[1] = 126, frame[2] = (char)(size >> 8), frame[3] = (char)size, head = 4;
  else { frame[1] = 127, head = 10; for (int i = 0; i < 8; i++) frame[2 + i] = (char)(size >> (56 - 8 * i)); }
  memcpy(frame + head, payload, size);
  if (strncmp(channel, "floor.all", 9)) {
    int fd = fd_of_number[atoi(channel + 6) + 1];
    if (fd) send_whole(fd, frame, head + size);
    return;
  }
  for (int i = 0; i < nopen; i++) send_whole(open_fds[i], frame, head + size);
}

/* One "$<n>\r\n<bytes>\r\n"; NULL when it is not all there. */
static char *read_bulk(char *at, char *end, char **bytes, size_t *size) {
  char *line = memchr(at, '\n', end - at);
  if (!line) return NULL;
  *size = strtoul(at + 1, 0, 10);
  *bytes = line + 1;
  return *bytes + *size + 2 <= end ? *bytes + *size + 2 : NULL;
}

/* One "*4 pmessage pattern channel payload"; NULL when it is not all there. */
static char *read_message(char *at, char *end) {
  char *part[4];
  size_t size[4];
  if (!(at = memchr(at, '\n', end - at))) return NULL;
  at++;
  for (int i = 0; i < 4; i++)
    if (!(at = read_bulk(at, end, &part[i], &size[i]))) return NULL;
  deliver(part[2], part[3], size[3]);
  return at;
}

static void on_redis(void) {
  static char buffer[REDIS_BYTES];
  static size_t kept;
  ssize_t n = recv(redis, buffer + kept, sizeof buffer - kept, 0);
  if (n <= 0) die("redis");
  char *at = buffer, *end = buffer + kept + n, *next;
  while (at < end && (next = read_message(at, end))) at = next;
  kept = end - at;
  memmove(buffer, at, kept);
}

static void subscribe(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  char confirmation[256];
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  redis = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(redis, (void *)&address, sizeof address)) die("redis");
  send_whole(redis, "PSUBSCRIBE floor.*\r\n", 20);
  if (recv(redis, confirmation, sizeof confirmation, 0) <= 0) die("redis");
  watch(redis);
}

static void listen_on(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  int one = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) die("listen");
  watch(listener);
}

int main(int argc, char **argv) {
  struct epoll_event events[512];
  struct rlimit limit;
  if (argc != 3) { fprintf(stderr, "usage: floor PORT REDIS_PORT\n"); return 2; }
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  signal(SIGPIPE, SIG_IGN);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  subscribe(atoi(argv[2]));
  listen_on(atoi(argv[1]));
  for (;;) {
    int n = epoll_wait(epoll_fd, events, 512, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) on_listener();
      else if (fd == redis) on_redis();
      else on_client(fd);
    }
  }
}
