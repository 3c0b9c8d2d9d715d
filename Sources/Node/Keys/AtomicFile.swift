import Glibc

/// Small files that are either the old or the new one after a crash, never half of each.
enum AtomicFile {
  /// Why a file could not be written or read.
  struct FileError: Error, Equatable, CustomStringConvertible {
    let path: String
    let operation: String
    let code: Int32

    var description: String {
      "\(path): can't \(operation): \(String(cString: strerror(code)))"
    }
  }

  /// Writes `bytes` to a temporary file beside `path`, flushes it and renames it into place.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(FileError) {
    let temporary = "\(path).new-\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else {
      throw FileError(path: temporary, operation: "create", code: errno)
    }
    do {
      defer { close(descriptor) }
      // The umask may have taken bits away, and an old temporary file may have others.
      fchmod(descriptor, mode)
      var offset = 0
      while offset < bytes.count {
        let written = bytes.withUnsafeBytes { buffer in
          Glibc.write(descriptor, buffer.baseAddress?.advanced(by: offset), bytes.count - offset)
        }
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else {
          let code = errno
          unlink(temporary)
          throw FileError(path: path, operation: "write", code: code)
        }
        offset += written
      }
      guard fsync(descriptor) == 0 else {
        let code = errno
        unlink(temporary)
        throw FileError(path: path, operation: "flush", code: code)
      }
    }
    guard rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw FileError(path: path, operation: "replace", code: code)
    }
    syncDirectory(of: path)
  }

  /// The bytes of a small file; nil if there is none. At most `limit` bytes are read.
  static func read(_ path: String, limit: Int = 1 << 20) throws(FileError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw FileError(path: path, operation: "open", code: errno)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count <= limit {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw FileError(path: path, operation: "read", code: errno) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
    throw FileError(path: path, operation: "read", code: EFBIG)
  }

  /// Makes a directory and its parents.
  static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(FileError) {
    guard !path.isEmpty, mkdir(path, mode) != 0, errno != EEXIST else { return }
    if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try makeDirectory(String(path[..<slash]))
      if mkdir(path, mode) == 0 || errno == EEXIST { return }
    }
    throw FileError(path: path, operation: "make the directory", code: errno)
  }

  private static func syncDirectory(of path: String) {
    guard let slash = path.lastIndex(of: "/") else { return }
    let directory = open(String(path[..<slash]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { return }
    fsync(directory)
    close(directory)
  }
}
