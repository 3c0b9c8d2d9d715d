import Glibc
import Testing

@testable import Emerge

@Suite(.timeLimit(.minutes(1))) struct PackageDirectoryWatcherTests {
  let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    try scratch.directory("pkg")
    try scratch.directory("log")
  }

  func watcher(capacity: Int = 100) throws -> PackageDirectoryWatcher {
    try PackageDirectoryWatcher(
      directory: scratch.path + "/pkg", log: scratch.path + "/log/emerge.log", capacity: capacity)
  }

  /// Puts a file into PKGDIR as Portage does: written beside, then renamed.
  func put(_ name: String, _ text: String = "x") throws {
    try scratch.file("temporary", text)
    try scratch.move("temporary", "pkg/" + name)
  }

  @Test func renamedPackageIsNoticed() async throws {
    let watcher = try watcher()
    var events = watcher.events
    try put("a-1.gpkg.tar")
    #expect(await events.next() == .package(scratch.path + "/pkg/a-1.gpkg.tar"))
  }

  @Test func packageInANewSubdirectoryIsNoticed() async throws {
    let watcher = try watcher()
    var events = watcher.events
    try scratch.directory("pkg/app-lab/hello")
    try put("app-lab/hello/hello-1.0-1.gpkg.tar")
    #expect(
      await events.next() == .package(scratch.path + "/pkg/app-lab/hello/hello-1.0-1.gpkg.tar"))
    try put("app-lab/hello/hello-1.0-2.gpkg.tar")
    var second = await events.next()
    if second == .package(scratch.path + "/pkg/app-lab/hello/hello-1.0-1.gpkg.tar") {
      second = await events.next()
    }
    #expect(second == .package(scratch.path + "/pkg/app-lab/hello/hello-1.0-2.gpkg.tar"))
  }

  @Test func whatWasThereBeforeIsNotNews() async throws {
    try scratch.directory("pkg/app-lab/hello")
    try put("app-lab/hello/old-1.gpkg.tar")
    let watcher = try watcher()
    var events = watcher.events
    try put("app-lab/hello/new-1.gpkg.tar")
    #expect(await events.next() == .package(scratch.path + "/pkg/app-lab/hello/new-1.gpkg.tar"))
  }

  @Test func oddNamesAndEmptyFilesAreIgnored() async throws {
    let watcher = try watcher()
    var events = watcher.events
    try put("empty-1.gpkg.tar", "")
    try put("a-1.gpkg.tar.partial")
    try put("a-1.gpkg.tar.4711")
    try put(".a-1.gpkg.tar")
    try put("a-1.xpak")
    try put("Packages")
    symlink("/etc/passwd", scratch.path + "/link")
    try scratch.move("link", "pkg/link-1.gpkg.tar")
    try put("good-1.gpkg.tar")
    #expect(await events.next() == .package(scratch.path + "/pkg/good-1.gpkg.tar"))
  }

  @Test func packageThatIsOnlyWrittenIsIgnoredUntilRenamed() async throws {
    let watcher = try watcher()
    var events = watcher.events
    try scratch.file("pkg/half-1.gpkg.tar", "half")
    try put("good-1.gpkg.tar")
    #expect(await events.next() == .package(scratch.path + "/pkg/good-1.gpkg.tar"))
  }

  @Test func emergeLogIsNoticed() async throws {
    let watcher = try watcher()
    var events = watcher.events
    try scratch.file("log/other.log", "1: x\n")
    try scratch.file("log/emerge.log", "1: Started emerge\n")
    #expect(await events.next() == .logged)
  }

  @Test func tooManyPackagesBecomeOneRescan() async throws {
    let watcher = try watcher(capacity: 3)
    for number in 0..<50 { try put("p\(number)-1.gpkg.tar") }
    var events = watcher.events
    var seen: [PackageDirectoryWatcher.Event] = []
    while let event = await events.next() {
      seen.append(event)
      if event == .rescan { break }
    }
    #expect(seen.last == .rescan)
  }

  @Test func missingDirectoryIsAnError() {
    let path = scratch.path + "/absent"
    #expect(throws: PackageDirectoryWatcher.Failure.system(path, ENOENT)) {
      _ = try PackageDirectoryWatcher(directory: path)
    }
  }

  @Test func cancelledReaderEnds() async throws {
    let watcher = try watcher()
    await withTaskGroup(of: Int.self) { group in
      group.addTask {
        var count = 0
        for await _ in watcher.events { count += 1 }
        return count
      }
      group.cancelAll()
      #expect(await group.next() == 0)
    }
  }
}
