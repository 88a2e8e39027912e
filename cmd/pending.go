package cmd

import "github.com/spf13/cobra"

func newUnblockCmd(*app) *cobra.Command { return &cobra.Command{Use: "unblock"} }
func newVerifyCmd(*app) *cobra.Command  { return &cobra.Command{Use: "verify"} }
func newStatusCmd(*app) *cobra.Command  { return &cobra.Command{Use: "status"} }
