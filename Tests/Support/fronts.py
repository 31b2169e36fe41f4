"""What stands between Pail and a store out there: TLS with a private authority, and a proxy.

nginx and tinyproxy are Debian's, and `make test` installs them. Keys and certificates are made
anew for each run.
"""

import shutil
import socket
import ssl
import subprocess

from servers import Server, free_ports


def program(name):
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"{name} is missing: make test installs it")
    return found


class TLSFront(Server):
    """nginx before an S3 server, once for each certificate that a client has to judge."""

    name = "nginx"
    # Which certificate, and what nginx is told besides.
    sites = {
        "good": ("good", ""),
        "expired": ("expired", ""),
        "misnamed": ("misnamed", ""),
        "unknown": ("unknown", ""),
        "old": ("good", "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;"),
    }

    def __init__(self, folder, upstream):
        super().__init__(folder)
        self.upstream = upstream
        self.authority = self.folder / "authority.pem"
        self.ports = {}
        self._certify()

    def url(self, site):
        return f"https://localhost:{self.ports[site]}"

    def _openssl(self, *arguments):
        subprocess.run(
            ["openssl", *map(str, arguments)],
            cwd=self.folder,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _authority(self, name):
        self._openssl(
            *("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2").split(),
            *("-subj", f"/CN=A private authority called {name}"),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
        )

    def _certify(self):
        self._authority("authority")
        self._authority("stranger")
        week = ["-days", "7"]
        past = ["-not_before", "20200101000000Z", "-not_after", "20200201000000Z"]
        self._certificate("good", "authority", "localhost", week)
        self._certificate("misnamed", "authority", "elsewhere.example", week)
        self._certificate("unknown", "stranger", "localhost", week)
        self._certificate("expired", "authority", "localhost", past)

    def _certificate(self, name, authority, host, validity):
        self._openssl(
            *("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes").split(),
            *("-subj", f"/CN={host}", "-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        (self.folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n")
        if validity[0] == "-days":
            self._openssl(
                *("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem"),
                *("-CAkey", f"{authority}.key", "-CAcreateserial", *validity),
                *("-extfile", f"{name}.ext", "-out", f"{name}.pem"),
            )
            return
        # Only `openssl ca` of OpenSSL 3.0 makes a certificate of the past.
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("1000\n")
        (self.folder / "ca.conf").write_text(
            "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\n"
            "default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n"
        )
        self._openssl(
            *("ca", "-batch", "-notext", "-config", "ca.conf", "-cert", f"{authority}.pem"),
            *("-keyfile", f"{authority}.key", "-in", f"{name}.csr", "-out", f"{name}.pem"),
            *("-extfile", f"{name}.ext", "-startdate", validity[1], "-enddate", validity[3]),
        )

    def command(self):
        ports = free_ports(len(self.sites))
        self.ports = dict(zip(self.sites, ports))
        self.port = self.ports["good"]
        upstream = self.upstream.removeprefix("http://")
        servers = "\n".join(
            f"server {{ listen 127.0.0.1:{self.ports[site]} ssl; ssl_certificate {name}.pem;"
            f" ssl_certificate_key {name}.key; {more}"
            f" location / {{ proxy_pass http://{upstream}; }} }}"
            for site, (name, more) in self.sites.items()
        )
        folders = " ".join(
            f"{each}_temp_path {self.folder}/{each};"
            for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.folder / "nginx.conf").write_text(
            f"daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;\n"
            f"worker_processes 1; events {{ worker_connections 128; }}\n"
            f"http {{ access_log {self.folder}/access.log; {folders} client_max_body_size 0;\n"
            f"proxy_http_version 1.1; proxy_request_buffering off; merge_slashes off;\n"
            f"proxy_set_header Host $http_host; proxy_set_header Connection '';\n{servers}\n}}\n"
        )
        return [
            program("nginx"),
            *("-p", str(self.folder), "-c", str(self.folder / "nginx.conf")),
        ], {}

    def is_ready(self):
        context = ssl.create_default_context(cafile=str(self.authority))
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=3) as raw:
                context.wrap_socket(raw, server_hostname="localhost").close()
            return True
        except OSError:
            return False


class TinyProxy(Server):
    """A proxy that wants a user and a password, and notes what goes through it."""

    name = "tinyproxy"
    user = "ana"
    password = "proxyPassword.0001"

    def command(self):
        (self.port,) = free_ports(1)
        self.notes = self.folder / "notes.log"
        self.notes.touch()
        (self.folder / "tinyproxy.conf").write_text(
            f"Port {self.port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 50\n"
            f'LogFile "{self.notes}"\nLogLevel Connect\nBasicAuth {self.user} {self.password}\n'
        )
        return [program("tinyproxy"), "-d", "-c", str(self.folder / "tinyproxy.conf")], {}

    @property
    def requests(self):
        """The first lines of the requests that it took."""
        lines = self.notes.read_text(errors="replace").splitlines()
        return [line.split("): ", 1)[-1] for line in lines if "Request (file" in line]

    def is_ready(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=3).close()
            return True
        except OSError:
            return False
