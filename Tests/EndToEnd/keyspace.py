"""A listing of any length, made page by page: for what depends on the number of keys alone."""

from bisect import bisect_left, bisect_right

from scripted import Answer, Scripted

PAGE = 1000
# Greater than any character of a key.
LAST = "\U0010ffff"


class Keys:
    """`logs/00/0000000.gz` and so on, in order, as a sequence that holds none of them."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index >= self.count:
            raise IndexError
        return f"logs/{index // 10_000:03}/{index:07}.gz"


class Keyspace(Scripted):
    """Answers ListObjectsV2 of any bucket with `count` keys."""

    def __init__(self, count):
        self.keys = Keys(count)
        self.pages = 0
        super().__init__(self._answer)

    def _answer(self, method, path, query, headers):
        assert method == "GET" and query["list-type"] == "2"
        self.pages += 1
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token") or query.get("start-after", "")
        limit = min(int(query.get("max-keys", PAGE)), PAGE)
        at = max(bisect_left(self.keys, prefix), bisect_right(self.keys, after))
        end = bisect_left(self.keys, prefix + LAST)
        rows, last = [], None
        while at < end and len(rows) < limit:
            key = self.keys[at]
            inner = key.find(delimiter, len(prefix)) if delimiter else -1
            if inner < 0:
                rows.append(
                    f"<Contents><Key>{key}</Key><LastModified>2026-11-20T14:02:11.000Z</LastModified>"
                    f'<ETag>"{at:032x}"</ETag><Size>{at}</Size>'
                    "<StorageClass>STANDARD</StorageClass></Contents>"
                )
                last = key
                at += 1
            else:
                common = key[: inner + 1]
                rows.append(f"<CommonPrefixes><Prefix>{common}</Prefix></CommonPrefixes>")
                last = common + LAST
                at = bisect_left(self.keys, last)
        more = at < end
        token = f"<NextContinuationToken>{last}</NextContinuationToken>" if more else ""
        body = (
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{str(more).lower()}</IsTruncated><KeyCount>{len(rows)}</KeyCount>"
            f"{token}{''.join(rows)}</ListBucketResult>"
        )
        return Answer(200, body.encode(), {"Content-Type": "application/xml"})
