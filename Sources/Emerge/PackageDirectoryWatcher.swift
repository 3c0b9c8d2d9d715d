import Dispatch
import Glibc
import Synchronization

/// Notices new gpkgs in PKGDIR, as Portage renames them into place, and new lines in emerge.log.
///
/// PKGDIR's subdirectories appear as packages do, so each is watched when it is seen; what it held
/// before that is reported too, and a file may therefore be reported twice.
public final class PackageDirectoryWatcher: Sendable {
  /// Something that the owner should look at.
  public enum Event: Sendable, Equatable {
    /// A finished gpkg at this path. Portage writes it before the package is merged.
    case package(String)
    /// emerge.log grew or was replaced.
    case logged
    /// Events were lost: look at the whole directory.
    case rescan
  }

  /// Why nothing can be watched.
  public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call failed with this errno on this path.
    case system(String, Int32)

    /// One line for the user.
    public var description: String {
      switch self {
      case .system(let path, let code): "can't watch \(path): \(String(cString: strerror(code)))"
      }
    }
  }

  /// How many packages may wait to be read before they become one `rescan`.
  public static let capacity = 1_000
  /// How deep below PKGDIR directories are watched: category, package.
  static let depth = 2

  private let state: Mutex<WatcherState>
  private let doorbell: AsyncStream<Void>
  private let bell: AsyncStream<Void>.Continuation
  // SAFETY: set in `init`, then only cancelled, in `deinit`; libdispatch's sources are thread-safe.
  nonisolated(unsafe) private let source: any DispatchSourceRead

  /// Watches `directory`, which must be there, and the file `log`, whose directory must be there.
  ///
  /// `capacity` bounds the packages that wait to be read.
  public init(
    directory: String, log: String? = nil, capacity: Int = PackageDirectoryWatcher.capacity
  ) throws(Failure) {
    let descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    guard descriptor >= 0 else { throw .system(directory, errno) }
    var initial = WatcherState(descriptor: descriptor, log: log, capacity: capacity)
    do throws(Failure) {
      try initial.begin(directory)
    } catch {
      close(descriptor)
      throw error
    }
    state = Mutex(initial)
    (doorbell, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    source = DispatchSource.makeReadSource(
      fileDescriptor: descriptor, queue: DispatchQueue(label: "larder.pkgdir"))
    source.setEventHandler { [weak self] in self?.drain() }
    source.setCancelHandler { close(descriptor) }
    source.activate()
  }

  deinit {
    source.cancel()
    bell.finish()
  }

  /// The events, for one reader at a time; ends when the reading task is cancelled.
  public var events: Events { Events(watcher: self, doorbell: doorbell.makeAsyncIterator()) }

  private func drain() {
    if state.withLock({ $0.read() }) { bell.yield() }
  }

  fileprivate func take() -> Event? {
    state.withLock { $0.take() }
  }
}

extension PackageDirectoryWatcher {
  /// What the watcher saw, oldest first.
  public struct Events: AsyncSequence, AsyncIteratorProtocol {
    let watcher: PackageDirectoryWatcher
    var doorbell: AsyncStream<Void>.Iterator

    /// Itself.
    public func makeAsyncIterator() -> Events { self }

    /// The next event; nil once the reading task is cancelled.
    public mutating func next() async -> Event? {
      while !Task.isCancelled {
        if let event = watcher.take() { return event }
        guard await doorbell.next(isolation: #isolation) != nil else { return nil }
      }
      return nil
    }
  }
}
