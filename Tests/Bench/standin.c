// A server that speaks as much of S3 as object clients need for a benchmark, and answers at once:
// it throws away what is uploaded, makes up what is downloaded and listed, and checks nothing.
// What is measured against it is the client. It proves nothing about a client being right.
//
//   cc -O2 -pthread -o standin standin.c -lssl -lcrypto
//   standin BIG-FILE SMALL-COUNT IN-PREFIX SMALL-SIZE LIST-COUNT DELAY-MS [CERTIFICATE KEY]
//
// It listens on a free port of 127.0.0.1, with STANDIN_DEFAULT_PORT in the environment on that of
// HTTP or HTTPS if it may; it writes the port's number as one line, and ends when its standard
// input does. The bucket `bench` holds:
//   big.bin                       the bytes of BIG-FILE
//   list/0042/object-000042137    LIST-COUNT objects, 1,000 to a prefix
//   small/0007/object-0003542     SMALL-COUNT objects of SMALL-SIZE bytes, IN-PREFIX to a prefix
// What is uploaded reads as big.bin, or as a small object where `small/` is in its key.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATE_HTTP "Thu, 01 Jan 2026 00:00:00 GMT"
#define DATE_XML "2026-01-01T00:00:00.000Z"
// No MD5 of anything: a client that compares it with one would be wrong.
#define ETAG "standin-000000001"
#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define XML_NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

// ---------------------------------------------------------------- what is stored

// One object of the bucket, and its place in `listing`. In key order.
struct object {
  char key[40];
  size_t start, end;
};

static struct object *objects;
static size_t object_count;
static char *listing;  // the <Contents> elements of all objects, one after the other

static int big_file;
static const char *big_bytes, *small_bytes;
static int64_t big_size, small_size;
static char big_sum[16], small_sum[16];
static useconds_t delay;
static SSL_CTX *tls;

static void die(const char *what) {
  perror(what);
  exit(1);
}

// CRC-64/NVME, bits reflected, 16 bytes a step; base64 of the big-endian value, as S3 writes it.
static void checksum(const char *bytes, int64_t count, char *text) {
  static uint64_t table[16][256];
  for (int byte = 0; byte < 256; byte++) {
    uint64_t value = byte;
    for (int bit = 0; bit < 8; bit++)
      value = (value >> 1) ^ ((value & 1) ? UINT64_C(0x9a6c9329ac4bc9b5) : 0);
    table[0][byte] = value;
  }
  for (int row = 1; row < 16; row++)
    for (int byte = 0; byte < 256; byte++)
      table[row][byte] = table[0][table[row - 1][byte] & 0xff] ^ (table[row - 1][byte] >> 8);
  uint64_t crc = UINT64_MAX;
  const uint8_t *next = (const uint8_t *)bytes, *end = next + count;
  while (end - next >= 16) {
    uint64_t sum = 0;
    for (int place = 0; place < 16; place++) {
      uint8_t byte = next[place];
      if (place < 8) byte ^= (uint8_t)(crc >> (8 * place));
      sum ^= table[15 - place][byte];
    }
    crc = sum;
    next += 16;
  }
  while (next < end) crc = table[0][(uint8_t)(crc ^ *next++)] ^ (crc >> 8);
  crc ^= UINT64_MAX;

  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int digit = 0; digit < 11; digit++) {
    int shift = 58 - 6 * digit;
    text[digit] = digits[(shift >= 0 ? crc >> shift : crc << -shift) & 63];
  }
  strcpy(text + 11, "=");
}

static void add_object(int64_t size, size_t *length, const char *format, ...) {
  struct object *object = &objects[object_count++];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(object->key, sizeof object->key, format, arguments);
  va_end(arguments);
  object->start = *length;
  *length += sprintf(
      listing + *length,
      "<Contents><Key>%s</Key><LastModified>" DATE_XML "</LastModified><ETag>&quot;" ETAG
      "&quot;</ETag><Size>%lld</Size><StorageClass>STANDARD</StorageClass></Contents>",
      object->key, (long long)size);
  object->end = *length;
}

static void fill(long small_count, long in_prefix, long list_count) {
  objects = calloc(small_count + list_count + 1, sizeof *objects);
  listing = malloc((small_count + list_count + 1) * 320);
  if (!objects || !listing) die("memory");
  size_t length = 0;
  add_object(big_size, &length, "big.bin");
  for (long i = 0; i < list_count; i++)
    add_object(small_size, &length, "list/%04ld/object-%06ld", i / 1000, i);
  for (long i = 0; i < small_count; i++)
    add_object(small_size, &length, "small/%04ld/object-%07ld", i / in_prefix, i);
}

// The first object whose key is not before `key`; with `past`, the first one behind all keys that
// begin with it.
static size_t find(const char *key, bool past) {
  size_t low = 0, high = object_count, length = strlen(key);
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = past ? strncmp(objects[middle].key, key, length) : strcmp(objects[middle].key, key);
    if (past ? order <= 0 : order < 0) low = middle + 1; else high = middle;
  }
  return low;
}

// ---------------------------------------------------------------- a connection

struct connection {
  int socket;
  SSL *tls;
  char input[64 * 1024 + 1];
  size_t filled, taken;
};

struct request {
  char method[8], target[8192], range[64], sum_name[48], sum_value[128];
  char *path, *query;  // in `target`
  int64_t length;
  bool is_chunked, wants_continue, wants_sum, closes;
};

static bool send_bytes(struct connection *c, const void *bytes, size_t count, bool more) {
  const char *next = bytes;
  while (count > 0) {
    ssize_t sent = c->tls ? SSL_write(c->tls, next, count > 1 << 20 ? 1 << 20 : (int)count)
                          : send(c->socket, next, count, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (sent <= 0) return false;
    next += sent;
    count -= sent;
  }
  return true;
}

static bool receive_more(struct connection *c) {
  memmove(c->input, c->input + c->taken, c->filled - c->taken);
  c->filled -= c->taken;
  c->taken = 0;
  size_t room = sizeof c->input - 1 - c->filled;
  if (room == 0) return false;
  ssize_t count = c->tls ? SSL_read(c->tls, c->input + c->filled, (int)room)
                         : recv(c->socket, c->input + c->filled, room, 0);
  if (count <= 0) return false;
  c->filled += count;
  return true;
}

// The next line without its end; it stays valid until the next call.
static char *receive_line(struct connection *c) {
  for (;;) {
    char *start = c->input + c->taken;
    char *end = memchr(start, '\n', c->filled - c->taken);
    if (end) {
      c->taken = end + 1 - c->input;
      if (end > start && end[-1] == '\r') end--;
      *end = 0;
      return start;
    }
    if (!receive_more(c)) return NULL;
  }
}

// Takes `count` bytes off the connection, into `kept` if there is one. Plain sockets throw away
// what nobody wants without copying it.
static bool receive_body(struct connection *c, int64_t count, char *kept) {
  static __thread char scrap[256 * 1024];
  while (count > 0) {
    int64_t here = c->filled - c->taken;
    if (here > 0) {
      if (here > count) here = count;
      if (kept) memcpy(kept, c->input + c->taken, here);
      c->taken += here;
    } else {
      size_t most = count > (int64_t)sizeof scrap ? sizeof scrap : (size_t)count;
      if (!c->tls && !kept) most = count > 4 << 20 ? 4 << 20 : (size_t)count;
      here = c->tls ? SSL_read(c->tls, kept ? kept : scrap, (int)most)
             : kept ? recv(c->socket, kept, most, 0)
                    : recv(c->socket, NULL, most, MSG_TRUNC);
      if (here <= 0) return false;
    }
    if (kept) kept += here;
    count -= here;
  }
  return true;
}

static bool skip_body(struct connection *c, const struct request *r) {
  if (!r->is_chunked) return receive_body(c, r->length, NULL);
  for (;;) {
    char *line = receive_line(c);
    if (!line) return false;
    int64_t count = strtoll(line, NULL, 16);
    if (count == 0) break;
    if (!receive_body(c, count, NULL) || !receive_line(c)) return false;
  }
  for (char *line; (line = receive_line(c));)
    if (!*line) return true;
  return false;
}

// The head of an answer; `more` that a body follows at once.
static bool send_head(
    struct connection *c, const char *status, int64_t length, bool more, const char *format, ...) {
  char head[1024];
  int count = snprintf(
      head, sizeof head, "HTTP/1.1 %s\r\nServer: standin\r\nContent-Length: %lld\r\n", status,
      (long long)length);
  va_list arguments;
  va_start(arguments, format);
  count += vsnprintf(head + count, sizeof head - count, format, arguments);
  va_end(arguments);
  count += snprintf(head + count, sizeof head - count, "\r\n");
  return send_bytes(c, head, count, more);
}

static bool send_xml(struct connection *c, const char *format, ...) {
  char body[2048];
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(body, sizeof body, format, arguments);
  va_end(arguments);
  return send_head(c, "200 OK", count, true, "Content-Type: application/xml\r\n") &&
         send_bytes(c, body, count, false);
}

// ---------------------------------------------------------------- answers

// The value of a parameter, percent-decoded. False when there is none of this name.
static bool parameter(const struct request *r, const char *name, char *value, size_t size) {
  size_t length = strlen(name);
  *value = 0;
  for (const char *next = r->query; next; next = strchr(next, '&') ? strchr(next, '&') + 1 : NULL) {
    if (strncmp(next, name, length) || !strchr("=&", next[length])) continue;
    next += length;
    if (*next == '=') next++;
    size_t count = 0;
    while (*next && *next != '&' && count + 1 < size) {
      unsigned byte;
      if (*next == '%' && sscanf(next + 1, "%2x", &byte) == 1) {
        value[count++] = (char)byte;
        next += 3;
      } else {
        value[count++] = *next == '+' ? ' ' : *next;
        next++;
      }
    }
    value[count] = 0;
    return true;
  }
  return false;
}

static bool list_objects(struct connection *c, const struct request *r) {
  char prefix[1024], delimiter[16], token[64], after[1024], number[16];
  parameter(r, "prefix", prefix, sizeof prefix);
  parameter(r, "delimiter", delimiter, sizeof delimiter);
  bool is_v2 = parameter(r, "list-type", number, sizeof number);
  size_t most = parameter(r, "max-keys", number, sizeof number) ? (size_t)atol(number) : 1000;
  if (most < 1 || most > 1000) most = 1000;

  size_t index = find(prefix, false);
  size_t end = *prefix ? find(prefix, true) : object_count;
  if (parameter(r, "continuation-token", token, sizeof token)) {
    index = (size_t)atol(token);
  } else if (parameter(r, is_v2 ? "start-after" : "marker", after, sizeof after)) {
    size_t length = strlen(after);
    // A marker that is a prefix stands for all that is in it.
    size_t next = length && after[length - 1] == '/' ? find(after, true) : find(after, false);
    if (next < object_count && !strcmp(objects[next].key, after)) next++;
    if (next > index) index = next;
  }

  size_t first = index, rows = 0, prefixes_length = 0;
  char *prefixes = NULL;
  const char *last = "";
  char last_prefix[64] = "";
  if (*delimiter) {
    prefixes = malloc(most * 160);
    if (!prefixes) return false;
    first = index;
    size_t contents_end = index;
    while (index < end && rows < most) {
      const char *rest = objects[index].key + strlen(prefix);
      const char *slash = strstr(rest, delimiter);
      if (!slash) {
        // Here objects come before prefixes, or not at all.
        last = objects[index].key;
        contents_end = ++index;
      } else {
        snprintf(
            last_prefix, sizeof last_prefix, "%.*s", (int)(slash + strlen(delimiter) - objects[index].key),
            objects[index].key);
        prefixes_length += sprintf(
            prefixes + prefixes_length, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>",
            last_prefix);
        last = last_prefix;
        index = find(last_prefix, true);
      }
      rows++;
    }
    end = end > index ? end : index;
    most = contents_end - first;
  } else {
    if (end - index < most) most = index < end ? end - index : 0;
    index += most;
    rows = most;
    if (most) last = objects[index - 1].key;
  }

  size_t start = most ? objects[first].start : 0;
  size_t length = most ? objects[first + most - 1].end - start : 0;
  bool is_truncated = index < end;
  char head[4096], next[256] = "";
  if (is_truncated && is_v2)
    snprintf(next, sizeof next, "<NextContinuationToken>%zu</NextContinuationToken>", index);
  else if (is_truncated)
    snprintf(next, sizeof next, "<NextMarker>%s</NextMarker>", last);
  int count = snprintf(
      head, sizeof head,
      XML_HEAD "<ListBucketResult" XML_NS "><Name>bench</Name><Prefix>%s</Prefix><KeyCount>%zu</KeyCount>"
      "<MaxKeys>1000</MaxKeys><IsTruncated>%s</IsTruncated>%s",
      prefix, rows, is_truncated ? "true" : "false", next);
  static const char tail[] = "</ListBucketResult>";
  bool is_sent =
      send_head(
          c, "200 OK", count + length + prefixes_length + sizeof tail - 1, true,
          "Content-Type: application/xml\r\n") &&
      send_bytes(c, head, count, true) && send_bytes(c, listing + start, length, true) &&
      send_bytes(c, prefixes, prefixes_length, true) && send_bytes(c, tail, sizeof tail - 1, false);
  free(prefixes);
  return is_sent;
}

static bool send_object(struct connection *c, const struct request *r, const char *key, bool head_only) {
  bool is_small = strstr(key, "small/") || strstr(key, "list/");
  int64_t size = is_small ? small_size : big_size, from = 0, to = size - 1;
  bool has_range = *r->range != 0;
  if (has_range) {
    long long first = 0, last = size - 1;
    if (sscanf(r->range, "bytes=-%lld", &last) == 1 && r->range[6] == '-') {
      from = last < size ? size - last : 0;
    } else {
      sscanf(r->range, "bytes=%lld-%lld", &first, &last);
      from = first;
      if (last < to) to = last;
    }
    if (from > to)
      return send_head(c, "416 Range Not Satisfiable", 0, false, "Content-Range: bytes */%lld\r\n", (long long)size);
  }
  char extra[256] = "";
  int count = 0;
  if (has_range)
    count = snprintf(
        extra, sizeof extra, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)from, (long long)to,
        (long long)size);
  // As S3: with the whole object, or with its HEAD.
  if (r->wants_sum && !has_range)
    snprintf(
        extra + count, sizeof extra - count,
        "x-amz-checksum-crc64nvme: %s\r\nx-amz-checksum-type: FULL_OBJECT\r\n",
        is_small ? small_sum : big_sum);
  int64_t length = to - from + 1;
  if (!send_head(
          c, has_range ? "206 Partial Content" : "200 OK", length, !head_only && length > 0,
          "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\nETag: \"" ETAG
          "\"\r\nLast-Modified: " DATE_HTTP "\r\n%s",
          extra))
    return false;
  if (head_only) return true;
  if (is_small || c->tls) return send_bytes(c, (is_small ? small_bytes : big_bytes) + from, length, false);
  off_t offset = from;
  while (length > 0) {
    ssize_t sent = sendfile(c->socket, big_file, &offset, length > 1 << 30 ? 1 << 30 : (size_t)length);
    if (sent <= 0) return false;
    length -= sent;
  }
  return true;
}

// Says of each key in the request that it is gone.
static bool delete_objects(struct connection *c, const struct request *r) {
  char *body = malloc(r->length + 1), *answer = malloc(r->length * 2 + 512);
  if (!body || !answer || !receive_body(c, r->length, body)) {
    free(body);
    free(answer);
    return false;
  }
  body[r->length] = 0;
  bool is_quiet = strstr(body, "<Quiet>true") != NULL;
  char *out = answer + sprintf(answer, XML_HEAD "<DeleteResult" XML_NS ">");
  for (char *key = body; !is_quiet && (key = strstr(key, "<Key>"));) {
    char *end = strstr(key, "</Key>");
    if (!end) break;
    end += 6;
    out = stpcpy(out, "<Deleted>");
    out = mempcpy(out, key, end - key);
    out = stpcpy(out, "</Deleted>");
    key = end;
  }
  out = stpcpy(out, "</DeleteResult>");
  bool is_sent = send_head(c, "200 OK", out - answer, true, "Content-Type: application/xml\r\n") &&
                 send_bytes(c, answer, out - answer, false);
  free(body);
  free(answer);
  return is_sent;
}

static bool receive_head(struct connection *c, struct request *r) {
  memset(r, 0, sizeof *r);
  char *line;
  do {
    if (!(line = receive_line(c))) return false;
  } while (!*line);
  if (sscanf(line, "%7s %8191s", r->method, r->target) != 2) return false;
  while ((line = receive_line(c)) && *line) {
    char *value = strchr(line, ':');
    if (!value) continue;
    *value++ = 0;
    value += strspn(value, " ");
    if (!strcasecmp(line, "content-length")) r->length = atoll(value);
    else if (!strcasecmp(line, "transfer-encoding")) r->is_chunked = strcasestr(value, "chunked");
    else if (!strcasecmp(line, "expect")) r->wants_continue = true;
    else if (!strcasecmp(line, "connection")) r->closes = strcasestr(value, "close");
    else if (!strcasecmp(line, "range")) snprintf(r->range, sizeof r->range, "%s", value);
    else if (!strcasecmp(line, "x-amz-checksum-mode")) r->wants_sum = true;
    else if (!strncasecmp(line, "x-amz-checksum-", 15) && strcasecmp(line + 15, "type") &&
             strcasecmp(line + 15, "algorithm")) {
      snprintf(r->sum_name, sizeof r->sum_name, "%s", line);
      snprintf(r->sum_value, sizeof r->sum_value, "%s", value);
    }
  }
  if (!line) return false;
  r->query = strchr(r->target, '?');
  if (r->query) *r->query++ = 0;
  r->path = r->target + strspn(r->target, "/");
  return true;
}

static bool answer(struct connection *c) {
  static __thread struct request request;
  struct request *r = &request;
  char value[16];
  if (!receive_head(c, r)) return false;
  if (r->wants_continue && !send_bytes(c, "HTTP/1.1 100 Continue\r\n\r\n", 25, false)) return false;
  bool is_get = !strcmp(r->method, "GET"), is_head = !strcmp(r->method, "HEAD");
  bool is_post = !strcmp(r->method, "POST"), is_put = !strcmp(r->method, "PUT");
  char *key = strchr(r->path, '/');
  key = key && key[1] ? key + 1 : NULL;
  bool deletes_many = is_post && !key && parameter(r, "delete", value, sizeof value);
  if (!deletes_many && !skip_body(c, r)) return false;
  if (delay) usleep(delay);

  bool is_sent;
  if (deletes_many) is_sent = delete_objects(c, r);
  else if (is_get && !*r->path)
    is_sent = send_xml(
        c, XML_HEAD "<ListAllMyBucketsResult" XML_NS "><Owner><ID>standin</ID></Owner><Buckets><Bucket>"
        "<Name>bench</Name><CreationDate>" DATE_XML "</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>");
  else if (is_get && !key && parameter(r, "location", value, sizeof value))
    is_sent = send_xml(c, XML_HEAD "<LocationConstraint" XML_NS "></LocationConstraint>");
  else if (is_get && !key && parameter(r, "versioning", value, sizeof value))
    is_sent = send_xml(c, XML_HEAD "<VersioningConfiguration" XML_NS "></VersioningConfiguration>");
  else if (is_get && !key) is_sent = list_objects(c, r);
  else if (is_head && !key) is_sent = send_head(c, "200 OK", 0, false, "x-amz-bucket-region: us-east-1\r\n");
  else if (is_get || is_head) is_sent = send_object(c, r, key, is_head);
  else if (is_post && key && parameter(r, "uploads", value, sizeof value))
    is_sent = send_xml(
        c, XML_HEAD "<InitiateMultipartUploadResult" XML_NS "><Bucket>bench</Bucket><Key>%s</Key>"
        "<UploadId>standin</UploadId></InitiateMultipartUploadResult>", key);
  else if (is_post && key)
    is_sent = send_xml(
        c, XML_HEAD "<CompleteMultipartUploadResult" XML_NS "><Bucket>bench</Bucket><Key>%s</Key>"
        "<ETag>&quot;" ETAG "-1&quot;</ETag></CompleteMultipartUploadResult>", key);
  else if (is_put && *r->sum_name)
    is_sent = send_head(c, "200 OK", 0, false, "ETag: \"" ETAG "\"\r\n%s: %s\r\n", r->sum_name, r->sum_value);
  else if (is_put) is_sent = send_head(c, "200 OK", 0, false, "ETag: \"" ETAG "\"\r\n");
  else is_sent = send_head(c, "204 No Content", 0, false, "%s", "");
  return is_sent && !r->closes;
}

static void *serve(void *argument) {
  struct connection *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->socket = (int)(intptr_t)argument;
  if (tls) {
    c->tls = SSL_new(tls);
    SSL_set_fd(c->tls, c->socket);
    if (SSL_accept(c->tls) != 1) goto end;
  }
  while (answer(c)) continue;
end:
  if (c->tls) SSL_free(c->tls);
  close(c->socket);
  free(c);
  return NULL;
}

static void *accept_all(void *argument) {
  int listener = (int)(intptr_t)argument, yes = 1;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 1 << 20);
  for (;;) {
    int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0) continue;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    pthread_t thread;
    if (pthread_create(&thread, &attributes, serve, (void *)(intptr_t)socket)) close(socket);
  }
  return NULL;
}

static bool bind_to(int listener, struct sockaddr_in *address, in_port_t port) {
  address->sin_port = htons(port);
  return !bind(listener, (struct sockaddr *)address, sizeof *address);
}

int main(int count, char **values) {
  if (count != 7 && count != 9) {
    fprintf(stderr, "standin: BIG-FILE SMALL-COUNT IN-PREFIX SMALL-SIZE LIST-COUNT DELAY-MS [CERTIFICATE KEY]\n");
    return 64;
  }
  signal(SIGPIPE, SIG_IGN);
  big_file = open(values[1], O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (big_file < 0 || fstat(big_file, &status)) die(values[1]);
  big_size = status.st_size;
  small_size = atoll(values[4]);
  delay = (useconds_t)atol(values[6]) * 1000;
  big_bytes = mmap(NULL, big_size, PROT_READ, MAP_SHARED, big_file, 0);
  if (big_bytes == MAP_FAILED || big_size < small_size) die("the big file");
  small_bytes = big_bytes;
  checksum(big_bytes, big_size, big_sum);
  checksum(small_bytes, small_size, small_sum);
  fill(atol(values[2]), atol(values[3]), atol(values[5]));
  if (count == 9) {
    tls = SSL_CTX_new(TLS_server_method());
    if (!tls || SSL_CTX_use_certificate_file(tls, values[7], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, values[8], SSL_FILETYPE_PEM) != 1)
      die("the certificate");
  }

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  bool is_bound = getenv("STANDIN_DEFAULT_PORT") && bind_to(listener, &address, tls ? 443 : 80);
  if (!(is_bound || bind_to(listener, &address, 0)) || listen(listener, 1024) ||
      getsockname(listener, (struct sockaddr *)&address, &length))
    die("listen");
  pthread_t thread;
  if (pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener)) die("thread");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  // Whoever started this server ends it by ending.
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  return 0;
}
