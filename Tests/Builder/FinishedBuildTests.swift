import TestSupport
import Testing
import Trust

@testable import Builder

@Suite struct FinishedBuildTests {
  private func refusal(_ change: (inout PackageFacts) -> Void) throws -> FinishedBuild.Refusal? {
    let request = try BuildRequest(RequestFixture.facts())
    var built = request.facts
    change(&built)
    do throws(FinishedBuild.Refusal) {
      #expect(try FinishedBuild(built, of: request).facts == built)
      return nil
    } catch {
      return error
    }
  }

  @Test func whatOnlyTheBuilderKnowsMayDiffer() throws {
    let refusal = try refusal { built in
      built.compiler = PackageFacts.Compiler(name: "clang", version: "21.1.0")
      built.flags["CFLAGS"] = "-O3"
      built.cpu.features.append("avx2")
      built.recipe.ebuild = String(repeating: "9", count: 64)
      built.provenance = Provenance(hooks: ["etc/portage/bashrc"])
    }
    #expect(refusal == nil)
  }

  @Test func everyFieldOfTheFingerprintIsNamed() throws {
    let refusal = try refusal { built in
      built.use = ["debug", "nls"]
      built.slot = "2"
    }
    let reasons = try #require(refusal).reasons
    #expect(reasons.count == 2)
    #expect(reasons[0].hasPrefix("differs in SLOT") && reasons[1].hasPrefix("differs in USE"))
  }

  @Test func malformedFactsAreNoBuild() throws {
    let refusal = try refusal { $0.chost = "two words" }
    guard case .facts = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
  }
}
