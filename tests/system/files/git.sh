#!/bin/sh
# init, commit, branch, merge, conflict, rebase, clone, fetch, gc, fsck, bundle, bisect. Dates are fixed, so hashes are equal everywhere.
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_PAGER=cat HOME=$PWD
git config --global init.defaultBranch main; git config --global advice.detachedHead false; git config --global protocol.file.allow always; git config --global gc.auto 0
git init -q r && cd r || exit 1
for i in $(seq 1 60); do seq $i $((i * 40)) >f$i; done; git add . && git commit -q -m first && git rev-parse HEAD
git checkout -q -b side; sed -i 's/^7$/seven/' f1; git commit -qam side; git checkout -q main; sed -i 's/^30$/thirty/' f1; git commit -qam main
git merge -q -m merged side; git rev-parse HEAD; git log --oneline --graph; git diff HEAD~1 --stat; git show --format=%s HEAD:f1 | head -8 | tail -3
git checkout -q -b c1; echo one >x; git add x; git commit -qm x1; git checkout -q -b c2 main; echo two >x; git add x; git commit -qm x2; git merge c1 >/dev/null 2>&1; echo "conflict $?"; cat x; git merge --abort
git checkout -q c1; git rebase -q main; git cherry-pick c2 >/dev/null 2>&1; echo "pick $?"; git cherry-pick --abort; git tag -a v1 -m tag; git describe
git gc -q --aggressive; git fsck --full --strict 2>&1; git count-objects -v | grep -v size; git verify-pack -v .git/objects/pack/*.idx | tail -1 | sed 's/:.*//'
cd .. && git clone -q r s && cd s && git rev-parse HEAD && git branch -r | sort && git log --format=%H --all | sort | sha1sum
echo more >>f2; git commit -qam more; git push -q origin HEAD:pushed 2>&1; git -C ../r rev-parse pushed; git bundle create -q ../b.bundle --all; git bundle verify -q ../b.bundle 2>&1 | tail -1; git clone -q ../b.bundle ../u 2>&1 | tail -1
git archive --format=tar HEAD | sha1sum; git grep -c seven; git blame -s f1 | sed -n 7p; git stash list; echo dirty >>f3; git status --porcelain; git stash -q; git stash pop -q; git diff --numstat; git reset -q --hard; git reflog | wc -l
git bisect start HEAD HEAD~3 >/dev/null 2>&1; git bisect run sh -c '! grep -q seven f1' 2>/dev/null | tail -1 | cut -c1-20; git bisect reset >/dev/null 2>&1; git hash-object -w f1; git cat-file -t HEAD; git ls-files | wc -l; git worktree add -q ../w main 2>&1; ls ../w | wc -l
git clone -q --depth 1 "file://$PWD" ../shallow && git -C ../shallow log --oneline | wc -l; git format-patch -1 --stdout HEAD | head -3; git submodule status; git rev-parse nothing 2>&1 | head -1; echo "end $?"
