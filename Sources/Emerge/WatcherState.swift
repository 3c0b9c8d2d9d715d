import Glibc

/// The inotify descriptor's watches and the events that wait to be read.
struct WatcherState: Sendable {
  private struct Watch {
    var path: String
    var level: Int
  }

  let descriptor: Int32
  private let log: String?
  private let capacity: Int
  private var watches: [Int32: Watch] = [:]
  private var logWatch: Int32?
  private var packages: [String] = []
  private var hasLogged = false
  private var needsScan = false

  init(descriptor: Int32, log: String?, capacity: Int) {
    self.descriptor = descriptor
    self.log = log
    self.capacity = capacity
  }

  /// Watches PKGDIR with what is below it, and the log's directory.
  mutating func begin(_ directory: String) throws(PackageDirectoryWatcher.Failure) {
    try watch(directory, level: 0)
    packages.removeAll()
    needsScan = false
    guard let log else { return }
    let parent = Self.parent(of: log)
    let mask = IN_MODIFY | IN_MOVED_TO | IN_CREATE
    let number = inotify_add_watch(descriptor, parent, UInt32(mask) | UInt32(IN_MASK_ADD))
    guard number >= 0 else { throw .system(parent, errno) }
    logWatch = number
  }

  /// Takes the oldest event.
  mutating func take() -> PackageDirectoryWatcher.Event? {
    if needsScan {
      needsScan = false
      return .rescan
    }
    if !packages.isEmpty { return .package(packages.removeFirst()) }
    guard hasLogged else { return nil }
    hasLogged = false
    return .logged
  }

  /// Reads what the kernel has queued; whether there is something to take now.
  mutating func read() -> Bool {
    let size = 64 << 10
    withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { buffer in
      while true {
        let count = Glibc.read(descriptor, buffer.baseAddress, size)
        guard count > 0 else { return }
        handle(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
    return needsScan || hasLogged || !packages.isEmpty
  }

  private mutating func handle(_ bytes: UnsafeRawBufferPointer) {
    let header = MemoryLayout<inotify_event>.size
    var offset = 0
    while offset + header <= bytes.count {
      let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
      let length = Int(event.len)
      let end = offset + header + length
      guard end <= bytes.count else { return }
      let name = bytes[(offset + header)..<end].prefix { $0 != 0 }
      handle(event.wd, event.mask, String(decoding: name, as: UTF8.self))
      offset = end
    }
  }

  private mutating func handle(_ number: Int32, _ mask: UInt32, _ name: String) {
    if mask & UInt32(IN_Q_OVERFLOW) != 0 {
      needsScan = true
      return
    }
    if number == logWatch, let log, Self.parent(of: log) + "/" + name == log { hasLogged = true }
    guard let watch = watches[number] else { return }
    if mask & UInt32(IN_IGNORED) != 0 {
      watches[number] = nil
      return
    }
    let path = watch.path + "/" + name
    if mask & UInt32(IN_ISDIR) != 0 {
      guard watch.level < PackageDirectoryWatcher.depth, !name.hasPrefix(".") else { return }
      // The directory may be gone again; then there is nothing to notice in it.
      try? self.watch(path, level: watch.level + 1)
    } else if mask & UInt32(IN_MOVED_TO) != 0 {
      note(path, name)
    }
  }

  private mutating func watch(
    _ path: String, level: Int
  ) throws(PackageDirectoryWatcher.Failure) {
    let mask = UInt32(IN_MOVED_TO | IN_CREATE) | UInt32(IN_ONLYDIR) | UInt32(IN_MASK_ADD)
    let number = inotify_add_watch(descriptor, path, mask)
    guard number >= 0 else {
      if errno == ENOSPC { needsScan = true }
      throw .system(path, errno)
    }
    watches[number] = Watch(path: path, level: level)
    guard let stream = opendir(path) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard !name.hasPrefix(".") else { continue }
      if entry.pointee.d_type == UInt8(DT_DIR) {
        if level < PackageDirectoryWatcher.depth {
          try? watch(path + "/" + name, level: level + 1)
        }
      } else {
        note(path + "/" + name, name)
      }
    }
  }

  private mutating func note(_ path: String, _ name: String) {
    guard name.hasSuffix(".gpkg.tar"), !name.hasPrefix("."), !packages.contains(path) else {
      return
    }
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
      return
    }
    guard packages.count < capacity else {
      packages.removeAll()
      needsScan = true
      return
    }
    if !needsScan { packages.append(path) }
  }

  private static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "" : String(path[..<slash])
  }
}
