import SystemPackage
import Testing

@testable import History

@Suite("Shared file systems")
struct SharedFileSystemTests {
  let table = MountTable(
    #"""
    22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
    28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
    40 28 0:40 / /home rw shared:20 master:3 - nfs4 server:/home rw,vers=4.2
    41 40 0:41 / /home/ana/with\040blank rw - fuse.sshfs host: rw
    42 28 0:42 / /mnt rw - ext4 /dev/vdb rw
    43 42 0:43 / /mnt rw - cifs //server/share rw
    a line that is none
    """#)

  @Test(
    "A folder lies on the deepest mount above it, of several at one place the last",
    arguments: [
      ("/var/lib", "ext4"), ("/", "ext4"), ("/home/ana", "nfs4"), ("/homes", "ext4"),
      ("/home/ana/with blank/x", "fuse.sshfs"), ("/mnt", "cifs"), ("/mnt/a", "cifs"),
    ] as [(FilePath, String)])
  func deepest(path: FilePath, fileSystem: String) {
    #expect(table.fileSystem(of: path) == fileSystem)
  }

  @Test(
    "File systems of the network are shared",
    arguments: [
      ("nfs4", true), ("cifs", true), ("fuse.sshfs", true), ("9p", true), ("ext4", false),
      ("tmpfs", false), ("overlay", false), ("fusectl", false),
    ])
  func shared(fileSystem: String, isShared: Bool) {
    #expect(History.isShared(fileSystem) == isShared)
  }

  @Test("The locks of a local file system work")
  func locks() throws {
    let folder = try TemporaryFolder()
    #expect(try locksWork(in: folder.path))
    #expect(try contents(of: folder.path).isEmpty)
    #expect(!isOnSharedFileSystem("/proc"))
  }

  @Test("Where no file can be made, there is nothing to try locks on")
  func noFolder() throws {
    let folder = try TemporaryFolder()
    #expect(throws: HistoryError.OpenProblem.folder(.noSuchFileOrDirectory)) {
      try locksWork(in: folder.path.appending("missing"))
    }
  }
}
