"""Does one operation of the benchmark with a Python library, as its documentation shows it.

    library.py obstore|awscrt OPERATION URL SOURCE DESTINATION

Run by bench.py, with AWS_… in the environment.
"""

import os
import sys
from pathlib import Path


def with_obstore(operation, source, destination):
    import asyncio

    import obstore
    from obstore.store import S3Store

    endpoint = os.environ["AWS_ENDPOINT_URL"]
    store = S3Store(
        "bench", endpoint=endpoint, region=os.environ["AWS_REGION"],
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        client_options={"allow_http": True, "allow_invalid_certificates": True},
    )  # fmt: skip

    async def many(calls, at_once=64):
        room = asyncio.Semaphore(at_once)

        async def one(call):
            async with room:
                await call()

        await asyncio.gather(*(one(call) for call in calls))

    async def get(key, path):
        answer = await obstore.get_async(store, key)
        with open(path, "wb") as file:
            async for piece in answer.stream(min_chunk_size=1 << 20):
                file.write(piece)

    def keys(prefix):
        return [row["path"] for page in obstore.list(store, prefix) for row in page]

    if operation == "upload":
        obstore.put(store, destination, Path(source), max_concurrency=8)
    elif operation == "download":
        # By ranges beside each other, as the other clients do.
        size = obstore.head(store, source)["size"]
        step = 8 << 20
        file = os.open(destination, os.O_RDWR | os.O_CREAT | os.O_TRUNC)

        async def part(start):
            data = await obstore.get_range_async(
                store, source, start=start, length=min(step, size - start)
            )
            os.pwrite(file, data, start)

        asyncio.run(many([lambda at=at: part(at) for at in range(0, size, step)], 8))
        os.close(file)
    elif operation == "upload-many":
        root = Path(source)
        paths = [path for path in root.rglob("*") if path.is_file()]
        asyncio.run(
            many(
                [
                    lambda path=path: obstore.put_async(
                        store, destination + str(path.relative_to(root)), path.read_bytes()
                    )
                    for path in paths
                ]
            )
        )
    elif operation == "download-many":
        jobs = []
        for key in keys(source):
            path = Path(destination) / key.removeprefix(source)
            path.parent.mkdir(parents=True, exist_ok=True)
            jobs.append(lambda key=key, path=path: get(key, path))
        asyncio.run(many(jobs))
    elif operation == "list":
        with open(destination, "w") as file:
            for page in obstore.list(store, source):
                for row in page:
                    file.write(f"{row['last_modified']} {row['size']} {row['path']}\n")
    elif operation == "delete-many":
        obstore.delete(store, keys(source))


def with_awscrt(operation, source, destination):
    from awscrt import auth, http, io, s3

    endpoint = os.environ["AWS_ENDPOINT_URL"]
    host = endpoint.split("//")[1]
    loops = io.EventLoopGroup()
    bootstrap = io.ClientBootstrap(loops, io.DefaultHostResolver(loops))
    keys = auth.AwsCredentialsProvider.new_static(
        os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    )
    tls, mode = None, s3.S3RequestTlsMode.DISABLED
    if endpoint.startswith("https"):
        options = io.TlsContextOptions()
        options.override_default_trust_store_from_path(None, os.environ["AWS_CA_BUNDLE"])
        tls = io.ClientTlsContext(options).new_connection_options()
        mode = s3.S3RequestTlsMode.ENABLED
    client = s3.S3Client(
        bootstrap=bootstrap, region=os.environ["AWS_REGION"],
        signing_config=s3.create_default_s3_signing_config(
            region=os.environ["AWS_REGION"], credential_provider=keys
        ),
        tls_mode=mode, tls_connection_options=tls, part_size=8 << 20, throughput_target_gbps=10,
    )  # fmt: skip
    headers = http.HttpHeaders([("Host", host)])
    if operation == "upload":
        headers.add("Content-Length", str(os.path.getsize(source)))
        request = http.HttpRequest("PUT", f"/bench/{destination}", headers)
        call = client.make_request(
            type=s3.S3RequestType.PUT_OBJECT, request=request, send_filepath=source
        )  # fmt: skip
    else:
        request = http.HttpRequest("GET", f"/bench/{source}", headers)
        call = client.make_request(
            type=s3.S3RequestType.GET_OBJECT, request=request, recv_filepath=destination
        )
    call.finished_future.result()


if __name__ == "__main__":
    library, operation, source, destination = sys.argv[1:]
    {"obstore": with_obstore, "awscrt": with_awscrt}[library](operation, source, destination)
