import Glibc

/// The system calls on which the stores' durability hangs, each with a clear error.
///
/// All of them block: call them inside `BlockingIO.run`.
struct FileSystem: Sendable {
  let faults: FileSystemFaults

  init(faults: FileSystemFaults = .none) {
    self.faults = faults
  }

  /// Opens for reading.
  func open(_ path: String) throws -> OpenFile {
    try OpenFile(path: path, flags: O_RDONLY)
  }

  /// Opens for reading and writing, made if absent; an existing file is emptied if `truncated`.
  func create(_ path: String, truncated: Bool = true, mode: mode_t = 0o644) throws -> OpenFile {
    _ = try faults.before(.create, path, 0)
    let flags = O_RDWR | O_CREAT | (truncated ? O_TRUNC : 0)
    let file = try OpenFile(path: path, flags: flags, mode: mode)
    // Whatever the umask: Portage's unprivileged user reads what the binhost links to.
    guard fchmod(file.descriptor, mode) == 0 else { throw failure("create", path) }
    return file
  }

  /// Writes all bytes at an offset.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, to file: OpenFile) throws {
    let allowed = try faults.before(.write, file.path, bytes.count)
    try file.write(UnsafeRawBufferPointer(rebasing: bytes.prefix(allowed)), at: offset)
    guard allowed == bytes.count else {
      throw FileError(operation: "write", path: file.path, code: ENOSPC)
    }
  }

  /// Writes all bytes at an offset.
  func write(_ bytes: [UInt8], at offset: UInt64, to file: OpenFile) throws {
    try bytes.withUnsafeBytes { try write($0, at: offset, to: file) }
  }

  /// Waits until the file's bytes are on the disk.
  func sync(_ file: OpenFile) throws {
    _ = try faults.before(.sync, file.path, 0)
    guard fdatasync(file.descriptor) == 0 else { throw failure("sync", file.path) }
  }

  /// Waits until the directory's entries are on the disk.
  func syncDirectory(_ path: String) throws {
    _ = try faults.before(.syncDirectory, path, 0)
    let directory = try OpenFile(path: path, flags: O_RDONLY | O_DIRECTORY)
    guard fsync(directory.descriptor) == 0 else { throw failure("sync", path) }
  }

  /// Moves over whatever is there, in one step.
  func rename(_ from: String, to: String) throws {
    _ = try faults.before(.rename, to, 0)
    guard Glibc.rename(from, to) == 0 else { throw failure("rename", to) }
  }

  /// Makes another name of the same file.
  func link(_ from: String, to: String) throws {
    _ = try faults.before(.link, to, 0)
    guard Glibc.link(from, to) == 0 else { throw failure("link", to) }
  }

  /// Makes a symbolic link.
  func symlink(_ target: String, at path: String) throws {
    _ = try faults.before(.symlink, path, 0)
    guard Glibc.symlink(target, path) == 0 else { throw failure("link", path) }
  }

  /// Removes a file; one that is not there is no error.
  func unlink(_ path: String) throws {
    _ = try faults.before(.unlink, path, 0)
    guard Glibc.unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
  }

  /// Removes an empty directory.
  func removeDirectory(_ path: String) throws {
    _ = try faults.before(.unlink, path, 0)
    guard rmdir(path) == 0 else { throw failure("remove", path) }
  }

  /// Makes a directory and the missing ones above it.
  func makeDirectory(_ path: String, mode: mode_t = 0o755) throws {
    if isDirectory(path) { return }
    let parent = Self.parent(of: path)
    if parent != path { try makeDirectory(parent, mode: mode) }
    _ = try faults.before(.makeDirectory, path, 0)
    guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("make", path) }
    // The umask must not hide what Portage's unprivileged user reads, nor widen what is private.
    guard chmod(path, mode) == 0 else { throw failure("make", path) }
  }

  /// Whether a directory is there (links followed).
  func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The size of a plain file; nil if there is none (links not followed).
  func size(of path: String) -> UInt64? {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return UInt64(clamping: status.st_size)
  }

  /// The bytes that a file takes on the disk, holes not counted; 0 if there is none.
  func allocatedSize(of path: String) -> UInt64 {
    var status = stat()
    guard lstat(path, &status) == 0 else { return 0 }
    return UInt64(clamping: status.st_blocks) * 512
  }

  /// The names in a directory, sorted, without `.` and `..`; none if it is not there.
  func names(in path: String) throws -> [String] {
    guard let directory = opendir(path) else {
      if errno == ENOENT { return [] }
      throw failure("list", path)
    }
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

  /// Writes a whole file so that either the old or the new one is there after a crash.
  func replace(_ path: String, with bytes: [UInt8], mode: mode_t = 0o644) throws {
    let temporary = path + ".new"
    do {
      let file = try create(temporary, mode: mode)
      try write(bytes, at: 0, to: file)
      try sync(file)
      try rename(temporary, to: path)
    } catch {
      try? unlink(temporary)
      throw error
    }
    try syncDirectory(Self.parent(of: path))
  }

  /// The directory that holds `path`.
  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private func failure(_ operation: String, _ path: String) -> FileError {
    FileError(operation: operation, path: path, code: errno)
  }
}
