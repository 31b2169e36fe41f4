#pragma once
#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

// Swift cannot call variadic functions: one function for each type that curl_easy_setopt,
// curl_easy_getinfo and curl_multi_setopt take.

static inline CURLcode pail_easy_set_long(void *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode pail_easy_set_size(void *easy, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(easy, option, value);
}

// libcurl copies the text.
static inline CURLcode pail_easy_set_text(void *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode pail_easy_set_pointer(void *easy, CURLoption option, void *value) {
  return curl_easy_setopt(easy, option, value);
}

// libcurl copies as many bytes as CURLOPT_POSTFIELDSIZE_LARGE has said before.
static inline CURLcode pail_easy_copy_body(void *easy, const void *bytes) {
  return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, bytes);
}

static inline CURLcode pail_easy_set_headers(void *easy, struct curl_slist *headers) {
  return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}

// All that libcurl calls while a request is under way, with `context` as its last argument.
static inline void pail_easy_set_callbacks(
    void *easy, curl_read_callback read, curl_seek_callback seek, curl_write_callback write,
    curl_write_callback header, curl_xferinfo_callback progress, curl_prereq_callback ready,
    void *context) {
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, read);
  curl_easy_setopt(easy, CURLOPT_READDATA, context);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, context);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, context);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, context);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, ready);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, context);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, context);
}

// The option's name and type changed in 7.85, and the old one warns since.
static inline CURLcode pail_easy_allow_http_only(void *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

// A store with the system's certificates, wherever libcurl was built to look for them, and those of
// `bundle` unless that is NULL. NULL when the bundle cannot be read, and where libcurl's TLS is not
// that of OpenSSL 3, whose store it could not use.
static inline void *pail_trust_make(const char *bundle) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  if (info->age < CURLVERSION_SEVENTH || !info->ssl_version ||
      strncmp(info->ssl_version, "OpenSSL/3.", 10))
    return NULL;
  X509_STORE *store = X509_STORE_new();
  if (!store) return NULL;
  // As libcurl has it: a certificate of the store is enough, whoever signed it.
  X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  if (info->cainfo) X509_STORE_load_file(store, info->cainfo);
  if (info->capath) X509_STORE_load_path(store, info->capath);
  if (!info->cainfo && !info->capath) X509_STORE_set_default_paths(store);
  int isRead = !bundle || X509_STORE_load_file(store, bundle);
  // What the system lacks is no error.
  ERR_clear_error();
  if (isRead) return store;
  X509_STORE_free(store);
  return NULL;
}

static inline void pail_trust_free(void *store) { X509_STORE_free(store); }

static inline CURLcode pail_trust(CURL *easy, void *context, void *store) {
  (void)easy;
  SSL_CTX_set1_cert_store(context, store);
  return CURLE_OK;
}

// Has connections trust what is in the store, and libcurl look for nothing else.
static inline void pail_easy_trust(void *easy, void *store) {
  curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
  curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, pail_trust);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, store);
}

static inline CURLcode pail_easy_get_long(void *easy, CURLINFO info, long *value) {
  return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode pail_easy_get_size(void *easy, CURLINFO info, curl_off_t *value) {
  return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode pail_easy_get_pointer(void *easy, CURLINFO info, void **value) {
  return curl_easy_getinfo(easy, info, value);
}

static inline CURLMcode pail_multi_set_long(void *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}

// Has libcurl tell what it waits for.
static inline void pail_multi_set_watch(
    void *multi, curl_socket_callback socket, curl_multi_timer_callback timer, void *context) {
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}

// Has the same context told of each connection. It must outlive the connections.
static inline void pail_easy_set_watch(
    void *easy, curl_opensocket_callback opening, curl_closesocket_callback closing,
    void *context) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, opening);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, context);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, closing);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, context);
}

// What libcurl would do by itself, but that programs started meanwhile do not inherit it.
static inline curl_socket_t pail_open_socket(const struct curl_sockaddr *address) {
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static inline int pail_alarm_make(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static inline void pail_alarm_ring(int alarm) { (void)eventfd_write(alarm, 1); }

// Each ringing of the alarm counts once, so that nobody has to read it.
static inline int pail_epoll_make(int alarm) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return -1;
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = alarm};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, alarm, &event) == 0) return epoll;
  close(epoll);
  return -1;
}

// A socket that is ready. `bits` of CURL_CSELECT_IN and CURL_CSELECT_OUT, as all of these.
typedef struct {
  int socket;
  int bits;
} pail_ready;

static inline void pail_epoll_watch(int epoll, int socket, int before, int after) {
  struct epoll_event event = {.data.fd = socket};
  if (after & CURL_CSELECT_IN) event.events |= EPOLLIN;
  if (after & CURL_CSELECT_OUT) event.events |= EPOLLOUT;
  int change = after == 0 ? EPOLL_CTL_DEL : before == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(epoll, change, socket, &event) == 0 || after == 0) return;
  // A socket whose end nobody told of, and another one with its number since.
  int other = change == EPOLL_CTL_ADD ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (errno == EEXIST || errno == ENOENT) (void)epoll_ctl(epoll, other, socket, &event);
}

// - Returns: how many of `most`, 128 at most, are ready; less than 0 when a signal came.
static inline int pail_epoll_wait(int epoll, pail_ready *ready, int most, int milliseconds) {
  struct epoll_event events[128];
  int count = epoll_wait(epoll, events, most < 128 ? most : 128, milliseconds);
  for (int i = 0; i < count; i++) {
    // What is wrong shows when it is read or written, as poll(2) has it for libcurl.
    int isWrong = (events[i].events & (EPOLLERR | EPOLLHUP)) != 0;
    ready[i].socket = events[i].data.fd;
    ready[i].bits = (events[i].events & EPOLLIN || isWrong ? CURL_CSELECT_IN : 0) |
                    (events[i].events & EPOLLOUT || isWrong ? CURL_CSELECT_OUT : 0);
  }
  return count;
}

// Once a large block has been freed, glibc would take the next of its size from its heap and no
// longer from a mapping of its own, and the heap, split by what lives longer between them, grew by
// 10 MiB over a file of 5 GiB. Setting the threshold to its first value keeps it there.
//
// Each thread that allocates would get a heap of its own, up to eight for a core. What one frees
// none of the others uses, so they grew with the time that many small files took.
//
// Beyond what it begins with, the heap that threads share grows and shrinks by single pages, each
// with a call that holds up all threads which touch a new page: hundreds in a tenth of a second.
// A mebibyte to begin with, of which only what is used counts, and to keep, is room enough.
// Swift's Glibc module has no mallopt.
static inline void pail_keep_heaps_small(void) {
#ifdef M_MMAP_THRESHOLD
  (void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
#ifdef M_ARENA_MAX
  (void)mallopt(M_ARENA_MAX, 2);
#endif
#ifdef M_TOP_PAD
  (void)mallopt(M_TOP_PAD, 1024 * 1024);
#endif
}

// Lets the kernel hold at most `PAIL_UNSENT_LIMIT` bytes that it has not sent. It would take
// megabytes from a body at once, and a slow line would look like one that has stalled, and the
// progress like that of another upload.
enum { PAIL_UNSENT_LIMIT = 256 * 1024 };
static inline void pail_limit_unsent(curl_socket_t socket) {
  int limit = PAIL_UNSENT_LIMIT;
  // Where the kernel does not know the option, things are as they were.
  (void)setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limit, sizeof limit);
}

// Has a connection end with a reset when it is closed, so that nothing more is sent over it. See
// socket(7), SO_LINGER.
static inline void pail_drop_unsent(curl_socket_t socket) {
  struct linger none = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

// Has `opened` told of each socket that a request opens, with `context` before it.
static inline void pail_easy_set_opened(void *easy, curl_sockopt_callback opened, void *context) {
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, opened);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, context);
}

// Lets hardly more be under way than the limit above to a server that is near. That fills such a
// way many times over, while the kernel's own limit grows to megabytes, and what waits among them
// has left the processor's cache when it is read. See tcp(7), TCP_INFO, and socket(7), SO_SNDBUF.
//
// Of the sockets that a request opens libcurl keeps one: that with this port.
enum { PAIL_NEAR_MICROSECONDS = 500 };
static inline void pail_fit_send_buffer(curl_socket_t socket, int localPort) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(socket, (struct sockaddr *)&address, &size) != 0) return;
  // Both families have the port at the same place: RFC 3493, section 3.10.
  if (ntohs(((struct sockaddr_in *)&address)->sin_port) != localPort) return;
  struct tcp_info info;
  size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return;
  if (info.tcpi_rtt > PAIL_NEAR_MICROSECONDS) return;
  int limit = PAIL_UNSENT_LIMIT;
  (void)setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &limit, sizeof limit);
}
