import Glibc

/// A file operation of the binhost's directory that the system refused.
public struct BinhostFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was tried.
  public let operation: String
  /// On which path.
  public let path: String
  /// The system's error number.
  public let code: Int32

  /// Whether the disk or the quota is exhausted.
  public var isDiskFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

  /// `cannot write /var/…: No space left on device`.
  public var description: String {
    "cannot \(operation) \(path): \(String(cString: strerror(code)))"
  }
}

/// The steps that change the binhost's directory, each of which a test can make fail.
///
/// All of them block.
struct IndexFiles: Sendable {
  /// A step that changes what is on disk.
  enum Step: String, Sendable, CaseIterable {
    case write, sync, rename, link, symlink, remove, makeDirectory
  }

  /// Called before each step with its path; a throw is the step's failure, a throw on every later
  /// step too is a `kill -9`.
  let before: @Sendable (Step, String) throws -> Void

  init(before: @escaping @Sendable (Step, String) throws -> Void = { _, _ in }) {
    self.before = before
  }

  func makeDirectory(_ path: String) throws {
    if isDirectory(path) { return }
    try before(.makeDirectory, path)
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try makeDirectory(String(path[..<slash]))
    }
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw error("make", path) }
    // Portage's unprivileged user reads here, whatever the daemon's umask.
    guard chmod(path, 0o755) == 0 else { throw error("make", path) }
  }

  func link(_ from: String, to: String) throws {
    try before(.link, to)
    guard Glibc.link(from, to) == 0 else { throw error("link", to) }
  }

  func symlink(_ target: String, at path: String) throws {
    try before(.symlink, path)
    guard Glibc.symlink(target, path) == 0 else { throw error("link", path) }
  }

  func rename(_ from: String, to: String) throws {
    try before(.rename, to)
    guard Glibc.rename(from, to) == 0 else { throw error("rename", to) }
  }

  func remove(_ path: String) throws {
    try before(.remove, path)
    guard Glibc.remove(path) == 0 || errno == ENOENT else { throw error("remove", path) }
  }

  /// Waits until a file's bytes are on the disk.
  func syncFile(_ path: String) throws {
    try before(.sync, path)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw error("open", path) }
    defer { close(descriptor) }
    guard fdatasync(descriptor) == 0 else { throw error("sync", path) }
  }

  func syncDirectory(_ path: String) throws {
    try before(.sync, path)
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw error("open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw error("sync", path) }
  }

  /// Waits until all of these directories' entries are on the disk: one by one if they are few, else
  /// with everything else that the machine still has to write, which is faster than a flush each.
  func syncDirectories(_ paths: Set<String>) throws {
    guard paths.count > 8, let first = paths.min() else {
      for path in paths.sorted() { try syncDirectory(path) }
      return
    }
    try before(.sync, first)
    // Linux waits until everything is written (sync(2)).
    sync()
  }

  /// Removes a generation: plain files and symbolic links in one directory, then the directory.
  func removeGeneration(_ path: String) throws {
    for name in names(in: path) { try remove(path + "/" + name) }
    try remove(path)
  }

  func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// What `path` is itself, links not followed; nil if it is not there.
  func status(_ path: String) -> FileStatus? {
    var status = stat()
    return lstat(path, &status) == 0 ? FileStatus(status) : nil
  }

  /// Whether a directory is there, links followed.
  func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Notes on a file that it was in use until now: its change time becomes the present.
  func touch(_ path: String) {
    guard let status = status(path), status.isPlain else { return }
    _ = chmod(path, status.mode)
  }

  /// Gives a file the mode and, where we may, the owner of another.
  func adopt(_ status: FileStatus, for path: String) {
    _ = chmod(path, status.mode)
    _ = chown(path, status.user, status.group)
  }

  func target(ofLink path: String) -> String? {
    let bytes = [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
      let length = buffer.withMemoryRebound(to: CChar.self) { text in
        text.baseAddress.map { readlink(path, $0, text.count) }
      }
      count = max(0, length ?? 0)
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  private func error(_ operation: String, _ path: String) -> BinhostFileError {
    BinhostFileError(operation: operation, path: path, code: errno)
  }
}

/// What the system says about a file.
struct FileStatus: Sendable {
  let isPlain: Bool
  let size: Int64
  let inode: UInt64
  let device: UInt64
  /// The permission bits.
  let mode: UInt32
  let user: UInt32
  let group: UInt32
  /// When its names, mode or bytes changed last, in Unix seconds.
  let changed: Int64

  init(_ status: stat) {
    isPlain = status.st_mode & S_IFMT == S_IFREG
    size = Int64(status.st_size)
    inode = UInt64(status.st_ino)
    device = UInt64(status.st_dev)
    mode = status.st_mode & 0o7777
    user = status.st_uid
    group = status.st_gid
    changed = Int64(status.st_ctim.tv_sec)
  }

  /// Whether both are names of one file.
  func isSameFile(as other: FileStatus) -> Bool {
    inode == other.inode && device == other.device
  }
}

/// A file that is written once from its beginning to its end.
final class IndexFile {
  let path: String
  private(set) var size = 0
  private let descriptor: Int32
  private let files: IndexFiles

  init(creating path: String, on files: IndexFiles) throws {
    try files.before(.write, path)
    descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw BinhostFileError(operation: "open", path: path, code: errno)
    }
    self.path = path
    self.files = files
    _ = fchmod(descriptor, 0o644)
  }

  deinit {
    close(descriptor)
  }

  func append(_ bytes: [UInt8]) throws {
    try files.before(.write, path)
    try bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
        if count < 0 {
          if errno == EINTR { continue }
          throw BinhostFileError(operation: "write", path: path, code: errno)
        }
        done += count
      }
    }
    size += bytes.count
  }

  func sync() throws {
    try files.before(.sync, path)
    guard fdatasync(descriptor) == 0 else {
      throw BinhostFileError(operation: "sync", path: path, code: errno)
    }
  }
}

/// A file that is read at any place.
final class ReadableFile: Sendable {
  let size: UInt64
  /// The time of the last change of its bytes, in Unix seconds.
  let modified: Int64
  private let descriptor: Int32

  /// Opens a plain file; nil if there is none, or if `path` is a symbolic link.
  init?(_ path: String) {
    let opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard opened >= 0 else { return nil }
    var status = stat()
    guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(opened)
      return nil
    }
    descriptor = opened
    size = UInt64(clamping: status.st_size)
    modified = Int64(status.st_mtim.tv_sec)
  }

  deinit {
    close(descriptor)
  }

  /// Up to `count` bytes from an offset; none at the end or on a failing device.
  func read(count: Int, at offset: UInt64) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(clamping: offset)))
    }
  }
}
